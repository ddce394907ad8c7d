"""cASO's lastrun files: taken over once, when the store is made."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from caso.errors import ConfigError
from caso.store import open_scratch, open_store
from tests.unit.store.building import url

LAST = datetime(2024, 2, 1, 10, 30, tzinfo=UTC)


def test_a_project_goes_on_where_caso_ended_by_id_or_by_name(connection, tmp_path):
    (tmp_path / "lastrun.p1").write_text("2024-02-01 10:30:00\n")
    (tmp_path / "lastrun.some name").write_text("2024-02-01T12:30:00+02:00")

    with open_store(connection, lastrun_dir=tmp_path) as store:
        assert store.checkpoints.legacy("p1", "whatever") == LAST
        assert store.checkpoints.legacy("p2", "some name") == LAST
        assert store.checkpoints.legacy("p3", None) is None


def test_the_later_of_two_files_for_one_project_counts(path, tmp_path):
    (tmp_path / "lastrun.p1").write_text("2024-02-01T10:30:00")
    (tmp_path / "lastrun.name").write_text("2019-01-01")

    with open_store(url(path), lastrun_dir=tmp_path) as store:
        assert store.checkpoints.legacy("p1", "name") == LAST


def test_the_files_are_never_read_again(connection, tmp_path):
    open_store(connection, lastrun_dir=tmp_path).close()
    (tmp_path / "lastrun.p1").write_text("not even a date")

    with open_store(connection, lastrun_dir=tmp_path) as store:
        assert store.checkpoints.legacy("p1", None) is None


@pytest.mark.parametrize("content", [b"", b"  \n", b"yesterday-ish", b"\xff\xfe\x00"])
def test_a_file_that_tells_no_date_stops_everything_and_is_named(path, tmp_path, content):
    file = tmp_path / "lastrun.p1"
    file.write_bytes(content)

    with pytest.raises(ConfigError, match=str(file)):
        open_store(url(path), lastrun_dir=tmp_path)

    assert list(path.parent.iterdir()) == []


def test_once_the_file_is_mended_the_store_is_made_with_it(connection, tmp_path):
    file = tmp_path / "lastrun.p1"
    file.write_text("")
    with pytest.raises(ConfigError):
        open_store(connection, lastrun_dir=tmp_path)

    file.write_text("2024-02-01T10:30:00")

    with open_store(connection, lastrun_dir=tmp_path) as store, store.transaction() as step:
        assert step.checkpoints.legacy("p1", None) == LAST


def test_a_dry_run_before_the_first_run_sees_the_files_too(path, tmp_path):
    (tmp_path / "lastrun.p1").write_text("2024-02-01T10:30:00")

    with open_scratch(url(path), lastrun_dir=tmp_path) as scratch:
        assert scratch.checkpoints.legacy("p1", None) == LAST

    assert not path.parent.exists()
