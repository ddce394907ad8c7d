"""The way back to cASO: its files follow the checkpoints, and never go ahead of what was delivered."""

from datetime import UTC, datetime, timedelta

import pytest
from dateutil import parser

from caso.errors import DeliveryError
from caso.testing.servers import FakeCompute
from tests.unit.cloudlet import T1, T2, Cloudlet, Recorder, servers

SECOND = timedelta(seconds=1)


@pytest.fixture
def cloudlet(tmp_path):
    (tmp_path / "spool").mkdir(mode=0o700)
    return Cloudlet(tmp_path)


def files(cloudlet):
    """The files as cASO reads them: naive texts that are UTC."""
    spool = cloudlet.folder / "spool"
    return {file.name: parser.parse(file.read_text()).replace(tzinfo=UTC) for file in sorted(spool.glob("lastrun.*"))}


def run(cloudlet, at, **changes):
    return cloudlet.run(at, **{"lastrun_dir": cloudlet.folder / "spool", **changes})


def test_nothing_is_written_unless_it_is_asked_for(cloudlet):
    cloudlet.run(T1)

    assert files(cloudlet) == {}


def test_each_project_has_its_file_and_the_next_run_moves_it_on(cloudlet):
    first = run(cloudlet, T1)
    # cASO goes on one second after the time in its file.
    assert files(cloudlet) == {"lastrun.p1": T1 - SECOND, "lastrun.p2": T1 - SECOND}

    run(cloudlet, T2, named=frozenset({"beta"}))

    assert first.exit_status == 0
    assert files(cloudlet) == {"lastrun.p1": T2 - SECOND, "lastrun.p2": T2 - SECOND, "lastrun.beta": T2 - SECOND}


def test_as_long_as_something_is_due_the_files_stay(cloudlet):
    def down(records):
        raise DeliveryError("down")

    run(cloudlet, T1, outlets=[cloudlet.outlet(Recorder(down))])

    assert files(cloudlet) == {}


def test_a_scope_that_was_not_finished_holds_its_project_s_file(cloudlet):
    run(cloudlet, T1)
    report = run(cloudlet, T2, compute=FakeCompute(servers(T2), page_size=2, fail_on_page=1))

    marks = {scope.project.id: T1 if scope.error else T2 for scope in report.scopes}
    assert sorted(marks.values()) == [T1, T2]
    assert files(cloudlet) == {f"lastrun.{project_id}": mark - SECOND for project_id, mark in marks.items()}


def test_a_dry_run_moves_nothing(cloudlet):
    run(cloudlet, T1)
    before = files(cloudlet)

    run(cloudlet, T2, dry_run=True)

    assert files(cloudlet) == before


def test_a_file_that_cannot_be_written_is_told_and_loses_nothing(cloudlet):
    (cloudlet.folder / "spool" / "lastrun.p1").mkdir()

    report = run(cloudlet, T1)

    assert report.exit_status == 1
    assert "lastrun.p1" in str(report.lastrun)
    assert list(cloudlet.checkpoints()) == [("p1", T1), ("p2", T1)]
    assert datetime.fromisoformat((cloudlet.folder / "spool" / "lastrun.p2").read_text().strip()) is not None
