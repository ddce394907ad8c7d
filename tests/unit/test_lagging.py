"""Whoever lags so far that the cloud may forget what was deleted is told in time, in one line."""

import io
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from caso import config, wiring
from caso.cli import documents, screen
from caso.lagging import Lag, Lagging, lag_of, sentence, warn
from caso.planning import Period
from caso.projects import Project
from caso.store import Checkpoint, Scope, open_store
from caso.testing.servers import FakeCompute
from tests.unit.cloudlet import T1, Cloudlet, servers

NOW = datetime(2024, 3, 31, 12, tzinfo=UTC)
DAY = timedelta(days=1)
KEPT = 30 * DAY


def lagging(project, days, kept=KEPT, extractor="nova"):
    return Lagging(Scope("", "One", project, extractor), f"name of {project}", NOW - days * DAY, kept)


@pytest.mark.parametrize(
    ("behind", "lag"),
    [
        (20 * DAY, None),
        (20 * DAY + timedelta(seconds=1), Lag.LATE),
        (30 * DAY, Lag.LATE),
        (30 * DAY + timedelta(seconds=1), Lag.LOST),
    ],
)
def test_two_thirds_of_the_time_are_late_and_all_of_it_is_lost(behind, lag):
    assert lag_of(NOW - behind, KEPT, NOW) is lag


def test_of_a_service_that_never_forgets_or_says_nothing_nobody_lags():
    assert lag_of(NOW - 9999 * DAY, None, NOW) is None


def test_nobody_is_told_where_nobody_lags():
    assert sentence([lagging("p1", 20)], NOW) is None
    assert sentence([], NOW) is None


def test_the_line_names_how_many_and_the_oldest_and_until_when_the_cloud_can_be_relied_on_and_what_to_do():
    marks = [lagging("p1", 21), lagging("p2", 25), lagging("p3", 3), lagging("p2", 22, extractor="other")]

    assert sentence(marks, NOW) == (
        "projects that lag far behind: 2; name of p2 (nova) is extracted until 2024-03-06 12:00; "
        "only until 2024-04-05 12:00 is it sure to be told what was deleted since (deleted_kept_days); "
        "run caso-extract, and see why it fails if it does; caso-reconcile shows what is missing"
    )


def test_who_comes_too_late_is_told_what_may_be_missing():
    assert sentence([lagging("p1", 40), lagging("p2", 21)], NOW) == (
        "projects that lag far behind: 2; name of p1 (nova) is extracted until 2024-02-20 12:00; "
        "what was deleted before 2024-03-01 12:00 may be missing; "
        "run caso-extract, and see why it fails if it does; caso-reconcile shows what is missing"
    )


def test_after_a_run_the_line_says_so():
    text = sentence([lagging("p1", 21)], NOW, still=True)

    assert text.startswith("projects that still lag far behind after this run: 1; ")
    assert "see why caso-extract fails; " in text


@pytest.fixture
def cloudlet(tmp_path):
    return Cloudlet(tmp_path)


def a_job(cloudlet, at, **changes):
    job = cloudlet.job(at, **changes)
    job.extractors["nova"].deleted_kept = KEPT
    return job


def warned(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_a_run_warns_once_for_all_its_projects(cloudlet, caplog):
    cloudlet.run(T1)
    later = T1 + 25 * DAY
    with cloudlet.store() as store:
        warn(a_job(cloudlet, later), store, later)

    (line,) = warned(caplog)
    assert line.startswith("projects that lag far behind: 2; alpha (nova) is extracted until 2024-03-10 11:00; ")


def test_a_run_whose_checkpoints_moved_says_nothing_after_it(cloudlet, caplog):
    cloudlet.run(T1)
    later = T1 + 25 * DAY
    cloudlet.run(later)
    caplog.clear()
    with cloudlet.store() as store:
        warn(a_job(cloudlet, later), store, later, after=True)

    assert warned(caplog) == []


def test_a_run_whose_checkpoint_stayed_says_so_after_it(cloudlet, caplog):
    cloudlet.run(T1)
    later = T1 + 25 * DAY
    cloudlet.run(later, compute=FakeCompute(servers(later), page_size=2, fail_on_page=2))
    caplog.clear()
    with cloudlet.store() as store:
        warn(a_job(cloudlet, later), store, later, after=True)

    (line,) = warned(caplog)
    assert line.startswith("projects that still lag far behind after this run: 1; alpha (nova)")


def test_a_run_over_the_past_moves_nothing_and_repeats_nothing_after_it(cloudlet, caplog):
    cloudlet.run(T1)
    later = T1 + 25 * DAY
    job = a_job(cloudlet, later, period=Period(now=later, until=later, since=T1, past=True))
    with cloudlet.store() as store:
        warn(job, store, later, after=True)
        assert warned(caplog) == []
        warn(job, store, later)
    assert len(warned(caplog)) == 1


def test_a_project_that_is_ours_no_more_lags_for_ever_and_nobody_minds(cloudlet, caplog):
    cloudlet.run(T1)
    with cloudlet.store() as store:
        with store.transaction() as step:
            for mark in step.checkpoints.all():
                step.checkpoints.retire(mark.scope, T1)
        warn(a_job(cloudlet, T1 + 99 * DAY), store, T1 + 99 * DAY)

    assert warned(caplog) == []


def test_where_caso_5_stopped_long_ago_is_a_lag_too(cloudlet, tmp_path, caplog):
    (tmp_path / "lastrun.p1").write_text("2024-03-01T00:00:00+00:00")
    with open_store(f"sqlite:///{tmp_path}/new.sqlite", lastrun_dir=tmp_path) as store:
        warn(a_job(cloudlet, NOW), store, NOW)

    (line,) = warned(caplog)
    assert "projects that lag far behind: 1; alpha (nova) is extracted until 2024-03-01 00:00; what was deleted before" in line


def marks(*days):
    return [Checkpoint(Scope("", "One", f"p{n}", "nova"), None, None, NOW - day * DAY, "ops", None) for n, day in enumerate(days)]


def test_the_table_of_projects_marks_who_lags_and_colours_it():
    output = io.StringIO()
    found = [Project(f"p{n}", f"name{n}", "ops", "property VO") for n in range(3)]

    screen.projects(
        found,
        marks(1, 25, 31),
        ["nova"],
        NOW,
        Console(file=output, width=200, color_system="standard", force_terminal=True),
        {"nova": KEPT},
    )

    rows = [line for line in output.getvalue().splitlines() if "name" in line]
    assert "1 day, 0:00:00" in rows[0]
    assert "\x1b[33m25 days, 0:00:00, late" in rows[1]
    assert "\x1b[31m31 days, 0:00:00, lost" in rows[2]
    assert "\x1b" not in rows[0]


def test_as_json_each_scope_says_how_it_lags_and_until_when_its_service_can_be_relied_on():
    lags = []
    for mark in marks(1, 25, 31):
        project = Project(mark.scope.project_id, "name", "ops", "property VO")
        (one,) = json.loads(json.dumps(documents.project(project, [mark], ["nova"], NOW, {"nova": KEPT})))["extracted"]
        lags.append((one["lag"], one["reliable_until"]))

    assert lags == [(None, "2024-04-29T12:00:00Z"), ("late", "2024-04-05T12:00:00Z"), ("lost", "2024-03-30T12:00:00Z")]


@pytest.mark.parametrize(
    ("text", "kept"),
    [("", {"nova": 30 * DAY}), ("[nova]\ndeleted_kept_days = 7\n", {"nova": 7 * DAY}), ("[nova]\ndeleted_kept_days = 0\n", {})],
)
def test_how_long_nova_tells_of_deleted_servers_is_configured_and_0_means_for_ever(tmp_path, text, kept):
    user = "username = a\npassword = b\nuser_domain_id = default\n"
    credentials = f"[keystone_auth]\nauth_type = v3password\nauth_url = http://127.0.0.1:9\n{user}"
    (tmp_path / "caso.conf").write_text(f"[DEFAULT]\nsite_name = SITE\n{text}{credentials}")

    conf = config.build([], "caso-projects", files=[str(tmp_path / "caso.conf")])

    assert wiring.deleted_kept(conf) == kept
