"""Clients of the APIs: typed rows, UTC, pages followed to the real end, errors translated."""
