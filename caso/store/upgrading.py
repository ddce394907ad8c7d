"""Bringing the tables of an older caso up to date.

Alembic takes most of a second to import, more than a run with little to do: it is imported only when there is
something to migrate.
"""

from __future__ import annotations

import logging
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, inspect, select

from caso.errors import StoreError
from caso.store import schema, servers, sqlite
from caso.store.engine import Database
from caso.store.names import shown

LOG = logging.getLogger(__name__)


class History(NamedTuple):
    """The migrations in ``folder``, of which ``head`` is the newest."""

    folder: Path
    head: str


HISTORY = History(Path(__file__).parent / "migrations", schema.HEAD)


def revision_of(connection: Connection) -> str | None:
    """Which revision the tables have; None where there are no tables at all."""
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    if schema.version.name in tables:
        revision = connection.scalar(select(schema.version.c.version_num))
        if revision is not None:
            return str(revision)
    if _is_begun(connection, set(tables)):
        return None
    raise StoreError(
        f"store {shown(connection.engine.url)}: there are tables in it, but not those of caso; "
        "give [store] connection a database of its own"
    )


def _is_begun(connection: Connection, tables: set[str]) -> bool:
    """Whether a process was killed while it made the tables: MariaDB keeps each as soon as it is made, and rows at the end."""
    ours = {*schema.metadata.tables, schema.version.name}
    noted = schema.meta.name in tables and connection.execute(select(schema.meta.c.name).limit(1)).first() is not None
    return tables <= ours and not noted


def make(connection: Connection) -> None:
    """The tables, empty, at the newest revision; those that are there already are left."""
    servers.require_utf8(connection)
    schema.metadata.create_all(connection)
    schema.version.create(connection, checkfirst=True)
    connection.execute(insert(schema.version).values(version_num=schema.HEAD))
    connection.execute(insert(schema.meta).values(name="revision", value="0"))
    _sign(connection)


def _sign(connection: Connection) -> None:
    """Note which caso made the tables as they are, for one that is too old for them."""
    connection.execute(delete(schema.meta).where(schema.meta.c.name == "caso"))
    connection.execute(insert(schema.meta).values(name="caso", value=metadata.version("caso")))


def upgrade(database: Database, history: History = HISTORY) -> None:
    """Migrate, keeping a copy of an SQLite file as it was; StoreError for the store of a newer caso."""
    with database.read() as connection:
        revision = revision_of(connection)
    if revision == history.head or revision is None:
        return
    with database.write_schema() as connection:
        # Asked again: another process may have migrated while this one waited for its turn.
        revision = revision_of(connection)
        if revision == history.head or revision is None:
            return
        if revision > history.head:
            raise StoreError(too_new(connection, database.name, revision, history.head))
        kept = sqlite.back_up(database.file, revision) if database.file else None
        LOG.warning(
            "store %s: migrating from revision %s to %s (copy: %s)", database.name, revision, history.head, kept or "none"
        )
        _migrate(connection, history, revision)


def _migrate(connection: Connection, history: History, revision: str) -> None:
    from alembic.command import upgrade as alembic_upgrade
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(history.folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        alembic_upgrade(config, history.head)
    except CommandError as exc:
        raise StoreError(f"cannot migrate the store from revision {revision}: {exc}; it is as it was") from exc
    _sign(connection)


def too_new(connection: Connection, name: str, revision: str, head: str) -> str:
    signed = connection.scalar(select(schema.meta.c.value).where(schema.meta.c.name == "caso"))
    return (
        f"store {name}: caso {signed} has migrated it to revision {revision}, and this caso {metadata.version('caso')} "
        f"knows its tables up to {head}; run caso {signed} or newer, or restore the copy from before the migration "
        f"(of a file: *.bak-{head})"
    )
