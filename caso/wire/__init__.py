"""Records to bytes, one module per dialect."""
