"""An example of plug-ins for caso."""
