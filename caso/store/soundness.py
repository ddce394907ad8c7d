"""Finding out at the start that an SQLite file is damaged, before anything is built on it.

SQLite itself refuses a file that is no database, or that is shorter than it says. ``PRAGMA quick_check`` looks at every
page besides, and finds each that was overwritten: measured (SQLite 3.40, file in the cache), it takes 1.3 ms for each
MiB: 6 ms for 5 MB, 0.15 s for 100 MB, 0.7 s for 500 MB. ``integrity_check`` compares indexes with tables too, and takes
10 times as long (1 s and 9 s), and finds a sector of an index that was overwritten, by which a row would be missed. So up to
8 MiB it is the thorough one, up to 64 MiB quick_check: at most 0.1 s of a run that takes seconds to log in, at every start;
of a larger file once a day, as it may have to come from a slow disk. When, is noted in the table ``meta``.

SQLite keeps no sums of what it holds: noise that hits nothing but a few letters inside one row is seen when the row is
read, and ends the run there (:class:`caso.errors.StoreError`) without anything half written.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, insert, literal, select
from sqlalchemy.exc import OperationalError

from caso.errors import StoreError
from caso.store import schema
from caso.store.damage import ADVICE
from caso.store.engine import Database

AT_EVERY_START = 64 * 1024**2
"""Bytes of a file that is looked through whenever it is opened."""
THOROUGHLY = 8 * 1024**2
"""Bytes of a file whose indexes are compared with their tables, too."""
AT_MOST_EVERY = timedelta(days=1)
"""How often a larger one is."""
NOTE = "looked_through"


def require_sound(database: Database, now: datetime | None = None, at_every_start: int = AT_EVERY_START) -> None:
    """StoreError where a page of the file is damaged; a large file is looked through now and then only."""
    now = now or datetime.now(UTC)
    if database.file is None:
        return
    size = database.file.stat().st_size
    large = size > at_every_start
    if large and _was_looked_through(database, now):
        return
    with database.read() as connection:
        found = connection.exec_driver_sql(f"PRAGMA {'integrity_check' if size <= THOROUGHLY else 'quick_check'}(1)").scalar()
    if found != "ok":
        raise StoreError(f"store {database.name}: {' '.join(str(found).split())}{ADVICE}")
    if large:
        _note(database, now)


def require_readable(database: Database) -> None:
    """A row of every table can be read; also where the database is no file of SQLite."""
    with database.read() as connection:
        for table in schema.metadata.sorted_tables:
            connection.execute(select(literal(1)).select_from(table).limit(1)).all()


def _was_looked_through(database: Database, now: datetime) -> bool:
    try:
        with database.engine.connect() as connection:
            noted = connection.scalar(select(schema.meta.c.value).where(schema.meta.c.name == NOTE))
        # Not "not too long ago": the clock may have been set back.
        return noted is not None and timedelta() <= now - datetime.fromisoformat(noted) < AT_MOST_EVERY
    except (OperationalError, ValueError):
        return False  # No table of ours, or no note of ours: looking through it says what is wrong.


def _note(database: Database, now: datetime) -> None:
    with database.write() as connection:
        connection.execute(delete(schema.meta).where(schema.meta.c.name == NOTE))
        connection.execute(insert(schema.meta).values(name=NOTE, value=now.isoformat()))
