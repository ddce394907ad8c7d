"""What a person is told of a store that is damaged."""

from __future__ import annotations

from caso.errors import StoreError

ADVICE = "; the file is damaged: restore it from a backup (a caso.sqlite.bak-* beside it, or yours), caso leaves it as it is"

SIGNS = (
    "not a database",
    "malformed",
    "no such table",
    "no such column",
    "Could not decode",
    "constraint failed",
    # No record of caso's comes near SQLite's limit of a gigabyte: a length was overwritten.
    "string or blob too big",
)


def advice_on(cause: str) -> str:
    """What to do about an error of the database that is a sign of damage, else nothing."""
    return ADVICE if any(sign in cause for sign in SIGNS) else ""


def damaged(what: str, why: object) -> StoreError:
    """The error of who reads something that nobody can have written."""
    return StoreError(f"the store holds {what} that cannot be read: {why}{ADVICE}")
