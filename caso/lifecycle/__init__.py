"""Entities and their intervals: pure functions from what was seen to what is known."""
