"""Opening a store: made if there is none, and never silently started anew."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from caso.errors import ConfigError, StoreError
from caso.store import open_as_it_is, open_store
from caso.store.columns import Utc
from caso.store.engine import engine_of
from tests.unit.store.building import HERE, HOUR, NOVA, NOW, a_server, url


def tell(connection: str, *statements: str) -> None:
    """Change the database past caso."""
    engine = engine_of(connection)
    with engine.begin() as opened:
        for statement in statements:
            opened.exec_driver_sql(statement)
    engine.dispose()


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_its_owner_may_read_a_new_store(path):
    old = os.umask(0)
    try:
        with open_store(url(path)) as store:
            store.observe(HERE, [a_server()], by="nova")
            modes = {file.name: mode(file) for file in path.parent.iterdir()}
    finally:
        os.umask(old)

    assert modes == {"caso.sqlite": 0o600, "caso.sqlite-wal": 0o600, "caso.sqlite-shm": 0o600}
    assert mode(path.parent) == 0o700


def test_a_closed_store_is_one_file(path):
    open_store(url(path)).close()

    assert [file.name for file in path.parent.iterdir()] == ["caso.sqlite"]


def test_the_mode_of_a_directory_that_is_there_is_left_alone(tmp_path):
    tmp_path.chmod(0o755)

    open_store(url(tmp_path / "caso.sqlite")).close()

    assert mode(tmp_path) == 0o755


def test_what_was_put_is_there_when_the_store_is_opened_again(connection):
    with open_store(connection) as store, store.transaction() as step:
        step.checkpoints.advance(NOVA, NOW)

    with open_store(connection) as store:
        assert store.checkpoints.get(NOVA).until == NOW


def test_every_commit_is_on_disk(path):
    with open_store(url(path)) as store, store.database.read() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }

    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.parametrize("content", [b"", b"this is no database" * 100])
def test_a_file_that_is_no_store_is_refused_and_left_as_it_is(tmp_path, content):
    path = tmp_path / "caso.sqlite"
    path.write_bytes(content)

    with pytest.raises(StoreError, match="restore it from a backup"):
        open_store(url(path))

    assert path.read_bytes() == content


def test_a_store_that_was_cut_is_refused(path):
    with open_store(url(path)) as store:
        store.observe(HERE, [a_server(f"vm-{number}") for number in range(200)], by="nova")
    os.truncate(path, path.stat().st_size // 2)

    with pytest.raises(StoreError, match="damaged"):
        open_store(url(path))


def test_the_database_of_another_program_is_refused(connection, path):
    path.parent.mkdir()
    tell(connection, "CREATE TABLE theirs (x INTEGER)")

    with pytest.raises(StoreError, match="a database of its own"):
        open_store(connection)


def test_a_table_that_is_missing_is_found_out_at_once(connection):
    open_store(connection).close()
    tell(connection, "DROP TABLE deliveries")

    with pytest.raises(StoreError, match=r"restore (it|the database) from a backup"):
        open_store(connection)


def test_a_directory_that_cannot_be_made_is_named_with_what_to_do(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StoreError, match=r"cannot make the directory .*file/spool.*make it with mode 0700"):
        open_store(url(tmp_path / "file" / "spool" / "caso.sqlite"))


def test_a_directory_in_the_place_of_the_file_is_an_error(tmp_path):
    with pytest.raises(StoreError, match="unable to open"):
        open_store(url(tmp_path))


def test_a_file_that_may_not_be_written_is_an_error(path):
    open_store(url(path)).close()
    path.chmod(0o400)
    path.parent.chmod(0o755)
    # Root may do anything, so the test becomes somebody else once all is imported.
    program = (
        "import os, sys; from caso.errors import StoreError; from caso.store import open_store\n"
        "os.chdir(sys.argv[1]); open_store('sqlite:///another.sqlite').close()\n"
        "os.getuid() or os.setuid(65534)\n"
        "try: open_store('sqlite:///caso.sqlite')\n"
        "except StoreError as error: sys.exit(str(error))\n"
    )

    done = subprocess.run([sys.executable, "-c", program, path.parent], capture_output=True, text=True, check=False)

    assert "run caso as their owner" in done.stderr


@pytest.mark.parametrize("connection", ["sqlite://", "sqlite:///:memory:"])
def test_a_store_that_forgets_is_refused(connection):
    with pytest.raises(StoreError, match="a file to remember in"):
        open_store(connection)


def test_a_connection_that_is_no_url_is_refused_without_telling_its_password():
    with pytest.raises(StoreError, match="not a database URL") as caught:
        open_store("postgresql:/caso:hunter2@host/caso")

    assert "hunter2" not in str(caught.value)


def test_a_database_of_another_kind_is_refused_without_telling_its_password():
    with pytest.raises(StoreError, match="in SQLite, PostgreSQL or MariaDB, and not in nosuchbase") as caught:
        open_store("nosuchbase://caso:hunter2@host/caso")

    assert "hunter2" not in str(caught.value)


def test_what_a_process_that_was_killed_while_making_the_store_left_is_not_in_the_way(path):
    path.parent.mkdir()
    (path.parent / f".caso.sqlite.{os.getpid()}.new").write_bytes(b"half a store")

    open_store(url(path)).close()

    assert path.exists()


def test_processes_that_make_it_at_the_same_time_share_one_store(connection, backend, path):
    program = (
        "import sys; from datetime import UTC, datetime; from caso.store import Scope, open_store\n"
        "with open_store(sys.argv[1]) as store, store.transaction() as step:\n"
        "    step.checkpoints.advance(Scope('c', 'r', sys.argv[2], 'nova'), datetime.now(UTC))\n"
    )

    runs = [subprocess.Popen([sys.executable, "-c", program, connection, str(number)]) for number in range(3)]

    assert [run.wait() for run in runs] == [0, 0, 0]
    with open_store(connection) as store:
        assert [one.scope.project_id for one in store.checkpoints.all()] == ["0", "1", "2"]
    if backend == "sqlite":
        assert [file.name for file in path.parent.iterdir()] == ["caso.sqlite"]


@given(
    st.datetimes(timezones=st.timezones(), allow_imaginary=False), st.datetimes(timezones=st.timezones(), allow_imaginary=False)
)
def test_times_come_back_as_they_were_and_sort_as_text(one, other):
    column, dialect = Utc(), sqlite.dialect()
    try:
        texts = [column.process_bind_param(time, dialect) for time in (one, other)]
    except OverflowError:
        return  # Within a day of the first or the last year: there is no such time in UTC.

    back = [column.process_result_value(text, dialect) for text in texts]

    assert (back[0] - one, back[1] - other) == (0 * HOUR, 0 * HOUR)
    assert (texts[0] < texts[1]) == (back[0] < back[1])
    assert {len(text) for text in texts} == {27}


def test_a_time_without_a_zone_is_a_mistake_of_the_program(store):
    with pytest.raises((ConfigError, StoreError), match="no time zone"), store.transaction() as step:
        step.checkpoints.advance(NOVA, NOW.replace(tzinfo=None))


def test_who_only_reads_makes_nothing(connection, path):
    with pytest.raises(StoreError, match="there is none yet"):
        open_as_it_is(connection)

    assert not path.parent.exists()
    with pytest.raises(StoreError, match="there is none yet"):
        open_as_it_is(connection)


def test_who_only_reads_waits_for_nobody(connection):
    with (
        open_store(connection) as store,
        store.database.write_schema() as busy,
        # Another process has it for itself, and has begun to migrate it.
        open_as_it_is(connection) as read,
    ):
        busy.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
        assert read.checkpoints.all() == []


def test_who_only_reads_migrates_nothing(connection, path):
    open_store(connection).close()
    tell(connection, "UPDATE alembic_version SET version_num = '0000'")

    with pytest.raises(StoreError, match="it is of revision 0000"):
        open_as_it_is(connection)

    assert list(path.parent.glob("*.bak-*")) == []
