"""What a person is to do about an error of the database."""

from __future__ import annotations

from collections.abc import Mapping

from caso.store import damage, sqlite

BUSY = f"; another process has been writing for more than {sqlite.BUSY_SECONDS} s: see which, and run again"
ROOM = "; make room on its disk and run again: nothing was lost"
GONE = "; see that the server is up and can be reached from this host, and run again: nothing was lost"
LOGIN = "; see user and password in [store] connection, and whether the server lets this user in from this host"
MAKE = "; make the database, and give it to this user: caso makes the tables in it"
ALLOW = (
    "; caso makes, changes and drops tables: let this user own the database (PostgreSQL), or grant ALL PRIVILEGES on it (MariaDB)"
)
AGAIN = "; another transaction was in the way: run again, nothing was lost"
CROWDED = "; let the server take more connections, or close others, and run again: nothing was lost"
PRIMARY = "; the server takes no writes: give [store] connection the one that does"
MISSING = "; the tables are not as caso made them: restore the database from a backup, caso leaves it as it is"

_WORDS: Mapping[str, tuple[str | int, ...]] = {
    BUSY: ("55P03", 1205),
    ROOM: ("53100", 1021, 1114),
    GONE: ("57P01", "57P02", "57P03", 2002, 2003, 2006, 2013, 1053, 1927),
    LOGIN: ("28P01", "28000", 1045, 1130, 1698),
    MAKE: ("3D000", 1044, 1049),
    ALLOW: ("42501", 1142, 1143, 1227),
    AGAIN: ("40P01", "40001", 1213),
    CROWDED: ("53300", 1040, 1203),
    PRIMARY: ("25006", 1290, 1836),
    MISSING: ("42P01", "42703", "23503", "23505", "23502", 1146, 1054, 1062, 1451, 1452, 1048),
}
_OF_CODE = {code: words for words, codes in _WORDS.items() for code in codes}

# Where the connection was never made, psycopg has the server's words only.
_UNMADE = {
    "too many": CROWDED,
    "connection slots": CROWDED,
    # "the database system is starting up"
    "the database system is": GONE,
    "password authentication": LOGIN,
    "pg_hba.conf": LOGIN,
    'role "': LOGIN,
    'database "': MAKE,
}
"""The first one that is found counts."""


def of_server(error: BaseException) -> tuple[str, str]:
    """The server's own words on one line, and what to do."""
    code, text = _code(error), _text(error)
    if code is None and type(error).__name__ == "OperationalError":
        return text, next((words for sign, words in _UNMADE.items() if sign in text), GONE)
    return text, _OF_CODE.get(code, GONE if str(code).startswith("08") else "") if code is not None else ""


def of_file(cause: str) -> str:
    if "locked" in cause:
        return BUSY
    if "disk I/O error" in cause:
        return "; see whether its disk is full, over its quota or failing, and run again: nothing was lost"
    if "full" in cause:
        return ROOM
    if "unable to open" in cause or "readonly" in cause:
        return "; caso must be able to write the file and its directory: see their owner and mode"
    return damage.advice_on(cause)


def _code(error: BaseException) -> str | int | None:
    """PostgreSQL's SQLSTATE, MariaDB's number."""
    if error.args and isinstance(error.args[0], int):
        return error.args[0]
    state: str | None = getattr(error, "sqlstate", None)
    return state


def _text(error: BaseException) -> str:
    # PostgreSQL's further lines repeat the statement or the row.
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    told = error.args[1] if len(error.args) > 1 and isinstance(error.args[0], int) else primary or error
    return " ".join(str(told).split())
