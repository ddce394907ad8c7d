"""What a run leaves for Prometheus: of the run itself, and of all that the store remembers."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from caso import watching
from caso.delivery import Outlet
from caso.errors import DeliveryError, RejectedError, SourceError
from caso.lifecycle.notice import Fate, Notice
from caso.metrics import METRICS, text_of
from caso.planning import Period
from caso.projects import Project
from caso.report import Report
from caso.run import run
from caso.sources.traffic import Traffic
from caso.standings import Standings, standings
from caso.store import Checkpoint, Place, Scope
from caso.tasks import locks_of
from caso.testing.servers import FakeCompute
from tests.unit.cloudlet import PROJECTS, T1, T2, Cloudlet, Recorder, servers, ticking

HOUR = timedelta(hours=1)


@pytest.fixture
def cloudlet(tmp_path):
    return Cloudlet(tmp_path)


def parsed(text):
    """The value of each series: ``{("caso_run_exit_status", ()): 0.0}``, its labels in the order of their names."""
    found = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            labels = tuple(value for name, value in sorted(sample.labels.items()) if name != "cloud_service")
            found[sample.name, labels] = sample.value
    return found


def metrics_of(cloudlet, report):
    with cloudlet.store() as store:
        return parsed(text_of(report, standings(store, report.coverage), "SERVICE"))


def per_project(metrics, name):
    """The values of a metric of scopes, by project."""
    return {labels[2]: value for (metric, labels), value in metrics.items() if metric == name}


def failing(why):
    def trouble(records):
        raise why

    return Recorder(trouble)


def test_a_run_that_did_all_says_when_and_what(cloudlet):
    cloudlet.run(T1)
    metrics = metrics_of(cloudlet, cloudlet.run(T2))

    assert metrics["caso_run_exit_status", ()] == 0
    assert metrics["caso_run_end_timestamp_seconds", ()] == pytest.approx(T2.timestamp(), abs=1)
    assert metrics["caso_run_scopes", ("done",)] == 2
    assert metrics["caso_run_records", ("cloud", "new")] == 1
    assert metrics["caso_run_records", ("cloud", "changed")] == 5
    assert metrics["caso_run_sent_records", ("ssm",)] == 7
    assert metrics["caso_messenger_success_timestamp_seconds", ("ssm",)] == pytest.approx(T2.timestamp(), abs=1)
    assert metrics["caso_messenger_records", ("cloud", "ssm", "due")] == 0
    assert not any(value for (name, _), value in metrics.items() if name == "caso_run_errors")


def test_every_metric_of_the_table_is_one_of_the_file_and_no_other(cloudlet):
    text = text_of(cloudlet.run(T1), Standings(), "SERVICE").decode()

    families = {family.name: family.documentation for family in text_string_to_metric_families(text)}

    assert families == {f"caso_{metric.name}": metric.help for metric in METRICS}


def test_scopes_that_a_run_was_not_about_keep_their_series(cloudlet):
    cloudlet.run(T1)

    metrics = metrics_of(cloudlet, cloudlet.run(T2, projects=PROJECTS[:1]))

    until = per_project(metrics, "caso_scope_until_timestamp_seconds")
    success = per_project(metrics, "caso_scope_success_timestamp_seconds")
    assert until == {"alpha": T2.timestamp(), "beta": T1.timestamp()}
    assert success == pytest.approx(until, abs=1)


def test_a_scope_that_failed_keeps_its_last_success_and_the_error_is_counted(cloudlet):
    cloudlet.run(T1)

    broken = FakeCompute(servers(T2), page_size=2, fail_on_page=2)
    metrics = metrics_of(cloudlet, cloudlet.run(T2, compute=broken))

    success = per_project(metrics, "caso_scope_success_timestamp_seconds")
    assert sorted(success.values()) == pytest.approx([T1.timestamp(), T2.timestamp()], abs=1)
    assert (metrics["caso_run_errors", ("SourceError",)], metrics["caso_run_exit_status", ()]) == (1, 1)
    assert (metrics["caso_run_scopes", ("done",)], metrics["caso_run_scopes", ("failed",)]) == (1, 1)


def test_a_scope_that_never_succeeded_has_its_beginning_and_no_success(cloudlet):
    broken = FakeCompute(servers(T1), fail_on_page=1)

    metrics = metrics_of(cloudlet, cloudlet.run(T1, compute=broken, projects=PROJECTS[:1]))

    assert per_project(metrics, "caso_scope_until_timestamp_seconds").keys() == {"alpha"}
    assert per_project(metrics, "caso_scope_success_timestamp_seconds") == {}


def test_a_run_over_the_past_is_no_success_of_the_regular_ones(cloudlet):
    cloudlet.run(T1)

    past = Period(now=T2, until=T2, since=T1 - 240 * HOUR)
    metrics = metrics_of(cloudlet, cloudlet.run(T2, period=past))

    success = per_project(metrics, "caso_scope_success_timestamp_seconds")
    assert success == pytest.approx(dict.fromkeys(["alpha", "beta"], T1.timestamp()), abs=1)


def test_a_project_that_is_accounted_for_no_more_has_no_series(cloudlet):
    cloudlet.run(T1)

    metrics = metrics_of(cloudlet, cloudlet.run(T2, projects=PROJECTS[:1], listed=frozenset({"p1"})))

    assert per_project(metrics, "caso_scope_until_timestamp_seconds").keys() == {"alpha"}


@pytest.mark.parametrize(("narrowed", "extractors"), [(False, {"nova"}), (True, {"nova", "cinder"})])
def test_an_extractor_that_is_configured_no_more_has_no_series_but_one_that_a_run_was_not_given_has(
    cloudlet, narrowed, extractors
):
    cloudlet.extractors = ("nova", "cinder")
    cloudlet.run(T1)

    cloudlet.extractors = ("nova",)
    metrics = metrics_of(cloudlet, cloudlet.run(T2, narrowed=narrowed))

    assert {labels[1] for name, labels in metrics if name == "caso_scope_until_timestamp_seconds"} == extractors


def test_a_messenger_that_fails_has_what_is_due_and_since_when_and_no_success(cloudlet):
    outlets = [cloudlet.outlet(failing(DeliveryError("it is down")))]

    metrics = metrics_of(cloudlet, cloudlet.run(T1, outlets=outlets))

    assert ("caso_messenger_success_timestamp_seconds", ("ssm",)) not in metrics
    assert metrics["caso_messenger_since_timestamp_seconds", ("ssm",)] == pytest.approx(T1.timestamp(), abs=1)
    assert metrics["caso_messenger_records", ("cloud", "ssm", "due")] > 0
    # The closing records of February are what is due since longest.
    assert metrics["caso_messenger_oldest_due_timestamp_seconds", ("ssm",)] < T1.replace(day=1, hour=0).timestamp()
    assert metrics["caso_run_errors", ("DeliveryError",)] == 1


def test_records_that_were_refused_are_counted_in_their_run_and_set_aside_from_then_on(cloudlet):
    class Refusing(Recorder):
        def send(self, records):
            wrong = {record.key: "no" for record in records if "gpu" in record.key}
            if wrong:
                raise RejectedError(wrong)

    outlet = Outlet("ssm", Refusing(), frozenset({"cloud"}))
    first = metrics_of(cloudlet, cloudlet.run(T1, outlets=[outlet]))
    later = metrics_of(cloudlet, cloudlet.run(T1, outlets=[outlet]))

    assert first["caso_run_errors", ("RejectedError",)] == first["caso_run_refused_records", ("ssm",)] == 2
    assert later["caso_run_errors", ("RejectedError",)] == 0
    assert later["caso_messenger_records", ("cloud", "ssm", "set_aside")] == 2
    assert later["caso_messenger_success_timestamp_seconds", ("ssm",)] == pytest.approx(T1.timestamp(), abs=1)


def test_odd_objects_are_counted_as_long_as_they_are_odd(cloudlet):
    cloudlet.full_listing_every = timedelta(0)
    odd = [row | {"created": None} if row["id"] == "runs" else row for row in servers(T1)]

    first = metrics_of(cloudlet, cloudlet.run(T1, compute=FakeCompute(odd)))
    later = metrics_of(cloudlet, cloudlet.run(T2))

    assert first["caso_quarantined_objects", ("", "server", "RegionOne")] == 1
    assert later["caso_quarantined_objects", ("", "server", "RegionOne")] == 0


def test_messages_that_are_not_understood_are_counted_until_they_are(cloudlet):
    waiting = Notice("m1", "volume.create.end", T1, Fate.WAITING, "nobody has told", "{}")
    dead = Notice("m2", "volume.create.end", T1, Fate.DEAD, "it tells no size", "{}")
    with cloudlet.store() as store:
        store.take(Place("", "RegionOne"), [], [waiting, dead], [], by="notifications", at=T1)

    before = metrics_of(cloudlet, cloudlet.run(T1))
    with cloudlet.store() as store:
        store.events.drop()
    after = metrics_of(cloudlet, cloudlet.run(T2))

    name = "caso_messages_left"
    assert {fate: before[name, (fate,)] for fate in ("waiting", "dead")} == {"waiting": 1, "dead": 1}
    assert {fate: after[name, (fate,)] for fate in ("waiting", "dead")} == {"waiting": 1, "dead": 0}


def test_what_vanished_is_counted_by_its_kind(cloudlet):
    cloudlet.full_listing_every = timedelta(0)
    cloudlet.run(T1)
    archived = [row for row in servers(T1) if row["id"] != "runs"]

    metrics = metrics_of(cloudlet, cloudlet.run(T2, compute=FakeCompute(archived)))

    assert metrics["caso_run_vanished_objects", ("server",)] == 1


def test_scopes_that_another_run_holds_are_counted_as_locked(cloudlet):
    with cloudlet.store() as store:
        with store.locks.acquire(list(locks_of(cloudlet.job(T1), store).values()), T1):
            report = run(cloudlet.job(T1), store, ticking(T1))
        metrics = parsed(text_of(report, standings(store), "SERVICE"))

    assert metrics["caso_run_scopes", ("locked",)] == metrics["caso_run_errors", ("LockedError",)] == 2
    assert metrics["caso_run_exit_status", ()] == 2


def test_what_was_requested_is_told_by_api(cloudlet):
    traffic = Traffic()
    with traffic.to("nova"):
        traffic.note("https://nova/servers/detail", 1.5, failed=False)
        traffic.note("https://nova/servers/detail", 0.5, failed=True)

    metrics = metrics_of(cloudlet, cloudlet.run(T1, traffic=traffic))

    assert metrics["caso_run_api_requests", ("nova",)] == 2
    assert metrics["caso_run_api_failed_requests", ("nova",)] == 1
    assert metrics["caso_run_api_request_seconds", ("nova",)] == 2.0


def test_a_cloud_that_does_not_let_caso_in_leaves_the_series_of_all_scopes(cloudlet):
    cloudlet.run(T1)

    trouble = SourceError("keystone: cannot log in")
    metrics = metrics_of(cloudlet, cloudlet.run(T2, projects=[], rules={}, trouble=trouble))

    assert per_project(metrics, "caso_scope_until_timestamp_seconds").keys() == {"alpha", "beta"}
    assert (metrics["caso_run_errors", ("SourceError",)], metrics["caso_run_exit_status", ()]) == (1, 1)


def test_projects_left_undone_are_counted(cloudlet):
    nobody = Project("p3", "gamma", None, None)

    metrics = metrics_of(cloudlet, cloudlet.run(T1, unmapped=[nobody], missing={"delta": "there is none"}))

    assert (metrics["caso_run_projects_without_vo", ()], metrics["caso_run_projects_missing", ()]) == (1, 1)


# --- Names that the cloud's users give


def labels_of(project_name, region="RegionOne"):
    """All labels of the one scope that a file tells of, as Prometheus reads them."""
    mark = Checkpoint(Scope("", region, "p1", "nova"), None, None, T1, "vo", None, project_name=project_name)
    text = text_of(Report(), Standings([mark]), "SERVICE").decode()
    families = text_string_to_metric_families(text)
    (sample,) = [one for family in families for one in family.samples if "_until_" in one.name]
    return sample.labels


@pytest.mark.parametrize(
    "name",
    [
        'a"} 1\ncaso_run_exit_status 2\n# ',
        "a\\",
        'a\\"',
        "a\\n",
        "\x00\x07\x1b[31mred",
        "\r\n",
        "\u2028\u0085\x0b",
        "\ud800",
        "{}",
        'x",project="y',
        " a ",
        "項目",
    ],
)
def test_no_name_adds_a_line_a_label_or_a_value(name):
    labels = labels_of(name)

    assert labels.keys() == {"cloud_service", "cloud", "region", "project_id", "project", "extractor"}
    assert len(labels["project"]) == len(name)
    assert labels["project"].isprintable()
    assert labels["project"] == "".join(c if c.isprintable() else "\ufffd" for c in name)


@given(st.text(min_size=1), st.text(min_size=1))
def test_any_two_names_come_back_as_they_were_but_for_what_cannot_be_printed(name, region):
    labels = labels_of(name, region)

    assert labels["project"] == "".join(c if c.isprintable() else "\ufffd" for c in name)
    assert labels["region"] == "".join(c if c.isprintable() else "\ufffd" for c in region)


def test_two_names_that_look_the_same_do_not_spoil_the_file():
    marks = [
        Checkpoint(Scope("", region, "p1", "nova"), None, None, T1, "vo", None, project_name="alpha")
        for region in ("a\x07", "a\x1b")
    ]

    metrics = parsed(text_of(Report(), Standings(marks), "SERVICE"))

    assert len([name for name, _ in metrics if name == "caso_scope_until_timestamp_seconds"]) == 1


# --- The file


def told(tmp_path, cloudlet, report=None):
    report = report or cloudlet.run(T1)
    with cloudlet.store() as store:
        watching.tell(report, store, tmp_path / "caso.prom", "SERVICE")
    return report


def test_the_file_is_for_others_to_read_and_nothing_is_left_beside_it(tmp_path, cloudlet):
    folder = tmp_path / "textfiles"
    folder.mkdir()
    before = os.umask(0o077)
    try:
        told(folder, cloudlet)
    finally:
        os.umask(before)

    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o644
    assert parsed(file.read_bytes())["caso_run_exit_status", ()] == 0


def test_a_directory_that_is_not_there_costs_the_metrics_and_not_the_run(tmp_path, cloudlet, caplog):
    report = told(tmp_path / "nowhere", cloudlet)

    assert report.exit_status == 1
    assert cloudlet.checkpoints() == [("p1", T1), ("p2", T1)]
    assert len(cloudlet.received()["cloud"]) > 0
    (message,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert str(tmp_path / "nowhere" / "caso.prom") in message
    assert "this user has to be able to write its directory" in message


def test_a_disk_that_is_full_leaves_the_old_file_whole(tmp_path, cloudlet):
    """The file system is full for this process: it may write 100 bytes more to a file, and no more."""
    told(tmp_path, cloudlet)
    old = (tmp_path / "caso.prom").read_bytes()

    program = (
        "import resource, signal, sys; from pathlib import Path; from caso import watching; from caso.report import Report\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "report = Report(); watching.tell(report, None, Path(sys.argv[1]), 'SERVICE'); sys.exit(report.exit_status)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "caso.prom")], check=False, capture_output=True)

    assert done.returncode == 1, done.stderr
    assert (tmp_path / "caso.prom").read_bytes() == old
    assert [path.name for path in tmp_path.iterdir() if "prom" in path.name] == ["caso.prom"]


def test_a_dry_run_leaves_no_file(tmp_path, cloudlet):
    told(tmp_path, cloudlet, cloudlet.run(T1, dry_run=True))

    assert not (tmp_path / "caso.prom").exists()


def test_a_store_that_cannot_be_read_any_more_leaves_what_is_known_without_it(tmp_path, cloudlet, caplog):
    report = cloudlet.run(T1)
    with cloudlet.store() as store:
        for file in (tmp_path / "spool").glob("caso.sqlite*"):
            file.write_bytes(b"noise" * 1000)
        watching.tell(report, store, tmp_path / "caso.prom", "SERVICE")

    metrics = parsed((tmp_path / "caso.prom").read_bytes())
    assert metrics["caso_run_scopes", ("done",)] == 2
    assert per_project(metrics, "caso_scope_until_timestamp_seconds") == {}
    assert "say nothing of scopes and messengers" in caplog.text


def test_who_wants_no_metrics_needs_no_library_for_them():
    program = (
        "import sys; from caso import watching; from caso.report import Report; from caso.cli import extract\n"
        "watching.tell(Report(), None, None, ''); sys.exit('prometheus_client' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_what_a_run_changed_is_the_sum_over_its_scopes_and_over_its_kinds(cloudlet):
    report = cloudlet.run(T1)

    assert report.changes.news > 0
    assert report.changes.news == sum(scope.records for scope in report.scopes)
    assert report.changes.new == sum(count for (_, what), count in report.changes.by_kind.items() if what == "new")
