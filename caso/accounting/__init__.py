"""Intervals and windows to records: pure, by the rules of doc/source/accounting.rst."""
