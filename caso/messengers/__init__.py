"""Messengers: records carried to recipients."""
