"""caso: usage records from OpenStack clouds, once, in order, with nothing lost."""

__version__ = "6.0.0"
