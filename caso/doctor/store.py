"""The store: that it is there, whole, and of this caso."""

from __future__ import annotations

from collections.abc import Generator

from caso.errors import StoreError
from caso.findings import Finding, error, note, of_error, ok
from caso.store import Health, health_of

NO_RUN = "no run starts, and nothing is extracted or sent"


def examine(connection: str) -> Generator[Finding, None, bool]:
    """Yields what is wrong; returns whether there is a store to look into."""
    try:
        health = health_of(connection)
    except StoreError as exc:
        yield of_error(exc, NO_RUN, "see its owner and mode, and [store] connection")
        return False
    if health is None:
        yield ok("there is no store yet; the first run makes it")
        return False
    if health.damage:
        yield error(
            f"store {health.name}: SQLite's quick check says: {health.damage}",
            "what is in the damaged pages is lost, and a run that needs it fails",
            "keep a copy of the file, and restore it from a backup (a caso.sqlite.bak-* beside it, or yours)",
        )
        return False
    if health.revision > health.newest:
        yield error(
            f"store {health.name}: its tables are of revision {health.revision}, and this caso knows them up to {health.newest}",
            NO_RUN,
            f"install the newer caso that migrated it, or restore the copy from before the migration (*.bak-{health.newest})",
        )
        return False
    if health.revision < health.newest:
        yield note(
            f"store {health.name}: its tables are of revision {health.revision}",
            f"the next run migrates them to {health.newest}{_copy(health)}",
        )
    yield ok(f"store {health.name} is whole, revision {health.revision}")
    return True


def _copy(health: Health) -> str:
    of_file = health.name.startswith("sqlite")
    return ", and keeps a copy beside it" if of_file else "; make a backup before: caso keeps no copy on a server"
