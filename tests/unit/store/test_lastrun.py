"""cASO's lastrun files: taken over once, when the store is made."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta

import dateutil.parser
import pytest

from caso.errors import ConfigError, StoreError
from caso.store import Checkpoint, Scope, open_scratch, open_store, require_store
from caso.store.lastrun import lastrun_marks, names_of_lastrun, read_lastrun, write_lastrun

LAST = datetime(2024, 2, 1, 10, 30, tzinfo=UTC)


def test_a_project_goes_on_where_caso_ended_by_id_or_by_name(connection, tmp_path):
    (tmp_path / "lastrun.p1").write_text("2024-02-01 10:30:00\n")
    (tmp_path / "lastrun.some name").write_text("2024-02-01T12:30:00+02:00")

    with open_store(connection, lastrun_dir=tmp_path) as store:
        assert store.checkpoints.legacy("p1", "whatever") == LAST
        assert store.checkpoints.legacy("p2", "some name") == LAST
        assert store.checkpoints.legacy("p3", None) is None


def test_the_later_of_two_files_for_one_project_counts(connection, tmp_path):
    (tmp_path / "lastrun.p1").write_text("2024-02-01T10:30:00")
    (tmp_path / "lastrun.name").write_text("2019-01-01")

    with open_store(connection, lastrun_dir=tmp_path) as store:
        assert store.checkpoints.legacy("p1", "name") == LAST


def test_the_files_are_never_read_again(connection, tmp_path):
    open_store(connection, lastrun_dir=tmp_path).close()
    (tmp_path / "lastrun.p1").write_text("not even a date")

    with open_store(connection, lastrun_dir=tmp_path) as store:
        assert store.checkpoints.legacy("p1", None) is None


@pytest.mark.parametrize("content", [b"", b"  \n", b"yesterday-ish", b"\xff\xfe\x00", b"2999-01-01T00:00:00"])
def test_a_file_that_tells_no_date_stops_everything_and_is_named(connection, tmp_path, content):
    file = tmp_path / "lastrun.p1"
    file.write_bytes(content)

    with pytest.raises(ConfigError, match=str(file)):
        open_store(connection, lastrun_dir=tmp_path)

    with pytest.raises(StoreError, match="there is none yet"):
        require_store(connection)


def test_once_the_file_is_mended_the_store_is_made_with_it(connection, tmp_path):
    file = tmp_path / "lastrun.p1"
    file.write_text("")
    with pytest.raises(ConfigError):
        open_store(connection, lastrun_dir=tmp_path)

    file.write_text("2024-02-01T10:30:00")

    with open_store(connection, lastrun_dir=tmp_path) as store, store.transaction() as step:
        assert step.checkpoints.legacy("p1", None) == LAST


def test_a_dry_run_before_the_first_run_sees_the_files_too(connection, tmp_path):
    (tmp_path / "lastrun.p1").write_text("2024-02-01T10:30:00")

    with open_scratch(connection, lastrun_dir=tmp_path) as scratch:
        assert scratch.checkpoints.legacy("p1", None) == LAST

    with pytest.raises(StoreError, match="there is none yet"):
        require_store(connection)


SECOND = timedelta(seconds=1)
EARLIER = LAST - timedelta(hours=1)


def mark(extractor="nova", region="R1", project="p1", until=LAST, retired=None):
    return Checkpoint(Scope("", region, project, extractor), None, None, until, "ops", retired)


def scopes(*marks):
    return [one.scope for one in marks]


def test_the_mark_of_a_project_is_the_earliest_of_its_extractors_and_regions():
    marks = [mark(), mark("cinder", until=EARLIER), mark(region="R2"), mark(project="p2")]

    assert lastrun_marks(marks, scopes(*marks), {}) == {"p1": EARLIER, "p2": LAST}


def test_scopes_that_are_not_configured_hold_no_mark_back():
    old = mark("prometheus", until=EARLIER)

    assert lastrun_marks([mark(), old], scopes(mark()), {}) == {"p1": LAST}


@pytest.mark.parametrize("other", [[], [mark("cinder", retired=LAST)]], ids=["no checkpoint", "retired"])
def test_a_project_that_is_not_extracted_by_all_keeps_the_file_it_has(other):
    assert lastrun_marks([mark(), *other], scopes(mark(), mark("cinder")), {}) == {}


@pytest.mark.parametrize(
    ("listed", "present", "files"),
    [([], [], {"p1"}), (["one"], [], {"p1", "one"}), ([], ["one", "x"], {"p1", "one"}), (["p1"], ["two"], {"p1"})],
)
def test_a_file_has_the_id_and_the_name_where_the_operator_or_a_file_says_it(listed, present, files):
    assert lastrun_marks([mark()], scopes(mark()), {"p1": "one"}, listed, present).keys() == files


def test_a_name_that_no_file_can_have_is_left_out():
    assert lastrun_marks([mark()], scopes(mark()), {"p1": "a/b"}, ["a/b"]).keys() == {"p1"}


def test_what_is_written_is_read_as_caso_reads_it_and_here_one_second_back(tmp_path):
    write_lastrun(tmp_path, {"p1": LAST, "some name": LAST})

    text = (tmp_path / "lastrun.p1").read_text()
    assert dateutil.parser.parse(text) == (LAST - SECOND).replace(tzinfo=None)
    assert read_lastrun(tmp_path) == {"p1": LAST - SECOND, "some name": LAST - SECOND}
    assert names_of_lastrun(tmp_path) == {"p1", "some name"}


def test_a_file_never_goes_back_and_one_without_a_date_is_mended(tmp_path):
    (tmp_path / "lastrun.p1").write_text("2024-02-01 12:30:00+01:00")
    (tmp_path / "lastrun.p2").write_text("")

    write_lastrun(tmp_path, {"p1": LAST, "p2": LAST})

    assert (tmp_path / "lastrun.p1").read_text() == "2024-02-01 12:30:00+01:00"
    assert read_lastrun(tmp_path)["p2"] == LAST - SECOND


def test_other_users_may_read_a_file_only_where_they_could_before(tmp_path):
    (tmp_path / "lastrun.p1").write_text("2019-01-01")
    (tmp_path / "lastrun.p1").chmod(0o644)

    write_lastrun(tmp_path, {"p1": LAST, "p2": LAST})

    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("lastrun.p1", "lastrun.p2")] == [0o644, 0o600]


def test_one_file_that_cannot_be_written_leaves_the_others_and_is_named(tmp_path):
    (tmp_path / "lastrun.p1").mkdir()

    with pytest.raises(StoreError, match=r"cannot write cASO's files in .*lastrun.p1.*nothing is lost"):
        write_lastrun(tmp_path, {"p1": LAST, "p2": LAST})

    assert read_lastrun(tmp_path) == {"p2": LAST - SECOND}
    assert list(tmp_path.glob(".*")) == []


def test_a_directory_that_is_not_there_is_told(tmp_path):
    assert names_of_lastrun(tmp_path / "gone") == frozenset()
    with pytest.raises(StoreError, match="cannot write"):
        write_lastrun(tmp_path / "gone", {"p1": LAST})
