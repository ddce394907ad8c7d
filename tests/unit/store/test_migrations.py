"""Stores of other versions of caso: older ones are migrated, newer ones refused.

``tables/<revision>.sql`` is how the tables were at each revision.
"""

from __future__ import annotations

import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection

from caso.errors import StoreError
from caso.store import open_scratch, open_store, upgrading
from caso.store.engine import Database, engine_of
from caso.store.schema import HEAD
from tests.databases.fixtures import ON_SERVERS
from tests.unit.store.building import NOVA, NOW, url

TABLES = Path(__file__).parent / "tables"
NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.add_column("checkpoints", sa.Column("mood", sa.String(8)))
    op.execute("UPDATE checkpoints SET mood = 'good'")
"""


@pytest.fixture
def later(tmp_path: Path) -> upgrading.History:
    """The history of a caso that knows one revision more."""
    folder = tmp_path / "migrations"
    shutil.copytree(upgrading.HISTORY.folder, folder)
    (folder / "versions" / "r0002_next.py").write_text(NEXT)
    return upgrading.History(folder, "0002")


def migrate(where: Path | str, history: upgrading.History) -> None:
    connection = url(where) if isinstance(where, Path) else where
    database = Database(engine_of(connection))
    try:
        upgrading.upgrade(database, history)
    finally:
        database.close()


@contextmanager
def told(connection: str) -> Iterator[Connection]:
    """A connection past caso."""
    engine = engine_of(connection)
    with engine.begin() as opened:
        yield opened
    engine.dispose()


def a_store_with_a_checkpoint(path: Path) -> None:
    with open_store(url(path)) as store, store.transaction() as step:
        step.checkpoints.advance(NOVA, NOW)


def ask(path: Path, question: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(question).fetchall()


def shape(path: Path) -> dict[str, object]:
    """Columns, keys and indexes of every table."""
    tables = [name for (name,) in ask(path, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return {
        table: (
            ask(path, f"PRAGMA table_info({table})"),
            sorted(row[2:] for row in ask(path, f"PRAGMA foreign_key_list({table})")),
            {
                name: (unique, ask(path, f"PRAGMA index_info('{name}')"))
                for _, name, unique, *_ in ask(path, f"PRAGMA index_list({table})")
            },
        )
        for table in tables
    }


@pytest.mark.parametrize("old", sorted(TABLES.glob("*.sql")), ids=lambda file: file.stem)
def test_the_tables_of_every_revision_migrate_to_those_of_a_new_store(old, path, tmp_path):
    with closing(sqlite3.connect(tmp_path / "old.sqlite")) as connection:
        connection.executescript(old.read_text())

    open_store(url(tmp_path / "old.sqlite")).close()
    open_store(url(path)).close()

    assert shape(tmp_path / "old.sqlite") == shape(path)


def test_the_tables_of_the_newest_revision_are_kept_for_the_tests_of_later_ones():
    assert (TABLES / f"{HEAD}.sql").exists()


def test_an_older_store_is_migrated_and_kept_as_it_was(path, later):
    a_store_with_a_checkpoint(path)

    migrate(path, later)

    assert ask(path, "SELECT version_num FROM alembic_version") == [("0002",)]
    assert ask(path, "SELECT extractor, mood FROM checkpoints") == [("nova", "good")]
    copy = path.with_name("caso.sqlite.bak-0001")
    assert ask(copy, "SELECT version_num FROM alembic_version") == [("0001",)]
    assert ask(copy, "SELECT extractor FROM checkpoints") == [("nova",)]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_a_migrated_store_is_not_migrated_again(path, later):
    a_store_with_a_checkpoint(path)
    migrate(path, later)
    copy = path.with_name("caso.sqlite.bak-0001")
    copy.unlink()

    migrate(path, later)

    assert not copy.exists()


def test_a_migration_that_fails_leaves_the_store_as_it_was(path, later):
    a_store_with_a_checkpoint(path)
    broken = later.folder / "versions" / "r0002_next.py"
    broken.write_text(broken.read_text() + "    op.execute('SELECT * FROM nowhere')\n")

    with pytest.raises(StoreError, match="nowhere"):
        migrate(path, later)

    with open_store(url(path)) as store:
        assert store.checkpoints.get(NOVA).until == NOW
    assert not any("mood" in column for column in ask(path, "PRAGMA table_info(checkpoints)"))


def test_the_store_of_a_newer_caso_is_refused_with_the_version_to_use(connection, later):
    open_store(connection).close()
    migrate(connection, later)
    with told(connection) as opened:
        opened.exec_driver_sql("UPDATE meta SET value = '7.1.0' WHERE name = 'caso'")

    for opening in (open_store, open_scratch):
        with pytest.raises(StoreError, match=r"caso 7\.1\.0 or newer"):
            opening(connection)


def test_an_older_store_on_a_server_is_migrated_by_one_of_the_processes_that_find_it(database, later):
    with open_store(database) as store, store.transaction() as step:
        step.checkpoints.advance(NOVA, NOW)
    threads = [threading.Thread(target=migrate, args=(database, later)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with told(database) as opened:
        assert opened.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all() == ["0002"]
        assert opened.exec_driver_sql("SELECT extractor, mood FROM checkpoints").all() == [("nova", "good")]


@pytest.mark.parametrize("backend", ON_SERVERS[:1])
def test_a_migration_that_fails_on_postgresql_leaves_the_store_as_it_was(connection, later):
    """MariaDB keeps what was done until then: each change of a table is for good there."""
    open_store(connection).close()
    broken = later.folder / "versions" / "r0002_next.py"
    broken.write_text(broken.read_text() + "    op.execute('SELECT * FROM nowhere')\n")

    with pytest.raises(StoreError, match="nowhere"):
        migrate(connection, later)

    with open_store(connection) as store:
        assert store.checkpoints.all() == []


def test_on_a_server_nothing_says_that_there_is_a_copy(database, later, caplog):
    open_store(database).close()

    migrate(database, later)

    assert "copy: none" in caplog.text


def test_a_migration_without_its_beginning_is_refused(path, later):
    a_store_with_a_checkpoint(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")

    with pytest.raises(StoreError, match="0000"):
        migrate(path, later)


def test_alembic_is_not_imported_when_there_is_nothing_to_migrate(path):
    open_store(url(path)).close()
    program = "import sys; from caso.store import open_store; open_store(sys.argv[1]).close(); sys.exit('alembic' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program, url(path)], check=False).returncode == 0
