"""Extracting the past again: month by month, resumable, and nothing that is live moves."""

import dataclasses
import os
import signal
from datetime import UTC, datetime

import pytest

from caso.errors import ConfigError
from caso.history import resumed
from caso.planning import Period, Plan
from caso.run import run
from caso.store import Scope
from caso.testing.servers import FakeCompute
from caso.window import BEGINNING, Window
from tests.unit.cloudlet import PROJECTS, T1, T2, Cloudlet, servers, ticking
from tests.unit.dying import EVERYTHING, Reaper

JANUARY, MARCH = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)
PAST = Period(now=T2, until=MARCH, since=JANUARY, past=True)
SCOPE = Scope("", "RegionOne", "p1", "nova")


class Steps:
    """Keeps what a run tells of itself."""

    def __init__(self):
        self.told = []

    def step(self, name, count):
        self.told.append((name, count))


@pytest.fixture
def cloudlet(tmp_path):
    cloudlet = Cloudlet(tmp_path, extractors=EVERYTHING)
    cloudlet.run(T1)
    return cloudlet


def resume(cloudlet, at=T2, period=None, **changes):
    """``caso-extract --resume``."""
    with cloudlet.store() as store:
        job = resumed(cloudlet.job(at, period=period or Period(now=at, until=at), **changes), store)
        return run(job, store, ticking(at))


def unfinished(cloudlet):
    with cloudlet.store() as store:
        return {(one.scope.project_id, one.scope.extractor): one for one in store.histories.all()}


def test_months_are_accounted_for_one_by_one_and_checkpoints_stay(cloudlet):
    before, steps = cloudlet.checkpoints(), Steps()

    cloudlet.run(T2, steps, period=PAST)

    # From where the first began, in February, to the month asked for: one part for each of six scopes.
    assert ("parts", 6) in steps.told
    assert cloudlet.checkpoints() == before
    assert unfinished(cloudlet) == {}


def test_a_stretch_is_cut_at_months_and_begins_with_the_first_life():
    opening = datetime(2024, 1, 10, tzinfo=UTC)
    plan = Plan(SCOPE, Window(opening, T1), opening, opening, live=False)

    windows = [(part.window, part.opening) for part in plan.steps(opening)]

    february = datetime(2024, 2, 1, tzinfo=UTC)
    assert windows == [
        (Window(opening, february), opening),
        (Window(february, MARCH), None),
        (Window(MARCH, T1), None),
    ]
    ever = dataclasses.replace(plan, window=Window(BEGINNING, T1))
    assert [part.window for part in ever.steps(MARCH)] == [Window(BEGINNING, T1)]
    assert [part.window.start for part in dataclasses.replace(plan, done=MARCH).steps(opening)] == [MARCH]


def test_a_kill_at_any_step_and_a_resumed_run_give_what_one_whole_run_gives(tmp_path):
    whole = Cloudlet(tmp_path / "whole", extractors=EVERYTHING)
    whole.run(T1)
    checkpoints = whole.checkpoints()
    whole.run(T2, period=PAST)
    wanted = whole.received()
    kills = 0
    for step in range(1, 60):
        cloudlet = Cloudlet(tmp_path / str(step), extractors=EVERYTHING)
        cloudlet.run(T1)
        killed = die_in_the_past(cloudlet, step)
        kills += killed
        begun = bool(unfinished(cloudlet))

        if begun:
            resume(cloudlet)
        else:
            cloudlet.run(T2, period=PAST)

        assert cloudlet.received() == wanted, step
        assert cloudlet.checkpoints() == checkpoints
        assert unfinished(cloudlet) == {}
        if not killed:
            break
    print(f"{kills} kills, nothing lost")
    assert kills >= 20


def die_in_the_past(cloudlet, step):
    """Extract the past in a child that is killed at that step; whether there were so many steps."""
    child = os.fork()
    if not child:
        try:
            cloudlet.run(T2, Reaper(step), period=PAST)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def test_what_was_seen_is_not_asked_for_again(cloudlet):
    with cloudlet.store() as store:
        asked = cloudlet.job(T2, period=PAST)
        with pytest.raises(KeyboardInterrupt):
            run(asked, store, ticking(T2), Interrupted("settled"))

    silent = FakeCompute(servers(T2), page_size=2)
    resume(cloudlet, compute=silent)

    assert silent.pages_served == 0
    assert unfinished(cloudlet) == {}


class Interrupted:
    """Interrupts the run at the first step of that name."""

    def __init__(self, name):
        self._name = name

    def step(self, name, count):
        if name == self._name:
            raise KeyboardInterrupt


def test_what_could_not_be_seen_stays_to_be_resumed(cloudlet):
    failing = FakeCompute(servers(T2), page_size=2, fail_on_page=1)
    report = cloudlet.run(T2, compute=failing, period=PAST)

    left = unfinished(cloudlet)
    assert report.exit_status == 1
    assert set(left) == {("p1", "nova")}

    assert resume(cloudlet).exit_status == 0
    assert unfinished(cloudlet) == {}


def test_to_resume_names_the_same_stretch_or_none(cloudlet, caplog):
    failing = FakeCompute(servers(T2), page_size=2, fail_on_page=1)
    cloudlet.run(T2, compute=failing, period=PAST)

    with cloudlet.store() as store:
        job = cloudlet.job(T2, period=PAST)
        assert resumed(job, store).period.resumed
        assert resumed(cloudlet.job(T2), store).period.resumed
        other = dataclasses.replace(PAST, since=datetime(2024, 2, 1, tzinfo=UTC))
        assert not resumed(cloudlet.job(T2, period=other), store).period.resumed

    cloudlet.run(T2, period=other)
    assert "is not resumed; this run replaces it" in caplog.text
    assert unfinished(cloudlet) == {}


def test_where_nothing_was_interrupted_there_is_nothing_to_resume(cloudlet):
    with cloudlet.store() as store, pytest.raises(ConfigError, match="no extraction of the past was interrupted"):
        resumed(cloudlet.job(T2), store)

    only_an_end = Period(now=T2, until=T1, past=True)
    with cloudlet.store() as store, pytest.raises(ConfigError, match="--extract-to says nothing without --extract-from"):
        resumed(cloudlet.job(T2, period=only_an_end), store)


def test_a_regular_run_goes_on_beside_an_extraction_of_the_past(cloudlet, tmp_path):
    """The past has locks of its own; and where the two meet, in the current month, the later end counts."""
    past = Period(now=T2, until=T2, since=JANUARY)
    alone = Cloudlet(tmp_path / "alone", extractors=EVERYTHING)
    alone.run(T1)
    alone.run(T2)
    alone.run(T2, period=past)

    class Meanwhile:
        """A regular run in the middle of the other."""

        def __init__(self):
            self.report = None

        def step(self, name, count):
            if name == "parts":
                self.report = cloudlet.run(T2)

    meanwhile = Meanwhile()
    cloudlet.run(T2, meanwhile, period=past)

    assert meanwhile.report.exit_status == 0
    assert cloudlet.received() == alone.received()
    assert cloudlet.checkpoints() == alone.checkpoints()


@pytest.mark.parametrize("named", [True, False])
def test_a_project_that_is_new_in_an_interrupted_extraction_is_begun_where_that_was_asked_to_begin(tmp_path, named):
    """It has no checkpoint yet, so that its part is no history: a regular run would begin it with this month."""
    asked = Period(now=T2, until=T2, since=JANUARY)
    whole = Cloudlet(tmp_path / "whole")
    whole.run(T1, projects=PROJECTS[:1])
    whole.run(T2, period=asked)
    cloudlet = Cloudlet(tmp_path / "killed")
    cloudlet.run(T1, projects=PROJECTS[:1])
    with cloudlet.store() as store, pytest.raises(KeyboardInterrupt):
        run(cloudlet.job(T2, period=asked), store, ticking(T2), Interrupted("observed"))

    assert resume(cloudlet, period=asked if named else None).exit_status == 0

    assert ("grows", 2, 2024) in cloudlet.received()["cloud"]
    assert cloudlet.received() == whole.received()
    assert cloudlet.checkpoints() == whole.checkpoints()


def test_a_regular_run_in_between_does_not_make_it_forget_the_months_asked_for(tmp_path):
    asked = Period(now=T2, until=T2, since=JANUARY)
    cloudlet = Cloudlet(tmp_path)
    cloudlet.run(T1, projects=PROJECTS[:1])
    with cloudlet.store() as store, pytest.raises(KeyboardInterrupt):
        run(cloudlet.job(T2, period=asked), store, ticking(T2), Interrupted("observed"))
    cloudlet.run(T2)
    assert ("p2", "nova") in unfinished(cloudlet)

    resume(cloudlet)

    assert unfinished(cloudlet) == {}
    months = {(uuid, month) for uuid, month, _ in cloudlet.received()["cloud"] if uuid in ("stops", "grows")}
    assert months >= {("stops", 2), ("grows", 2), ("stops", 3), ("grows", 3)}
