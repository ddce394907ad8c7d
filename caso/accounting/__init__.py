"""Intervals and windows to records: pure, by the rules of doc/accounting.rst."""
