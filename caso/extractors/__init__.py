"""Extractors: what was seen in a window, asked of the sources."""
