"""The alert rules to copy, tried by promtool on the series that caso writes."""

import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from caso.delivery import Outlet
from caso.errors import DeliveryError, RejectedError
from caso.lifecycle.notice import Fate, Notice
from caso.metrics import text_of
from caso.projects import Project
from caso.report import Report
from caso.standings import standings
from caso.store import Place
from caso.testing.servers import FakeCompute
from tests.unit.cloudlet import PROJECTS, REGION, T1, T2, Cloudlet, Recorder, servers

RULES = Path(__file__).parents[2] / "etc" / "caso" / "alerts.yml"
ALERTS = {rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}
DAY = timedelta(days=1)
MINUTES = "5m"
FIRING = 'count by (alertname) (ALERTS{alertstate="firing"})'

pytestmark = pytest.mark.debian("prometheus")


def promtool(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True, check=False, timeout=60)


def written(cloudlet: Cloudlet, report: Report) -> str:
    with cloudlet.store() as store:
        return text_of(report, standings(store, report.coverage), "SERVICE").decode()


def series_of(text: str, hours: int) -> list[dict[str, str]]:
    """The series of a file that lies there for so long, as promtool writes them. Its time begins with 0, at T2."""
    found = []
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in (sample.labels | HOST).items())
            value = sample.value - T2.timestamp() if "_timestamp_" in sample.name else sample.value
            found.append({"series": f"{sample.name}{{{labels}}}", "values": f"{value!r}+0x{hours * 12}"})
    return found


HOST = {"instance": "caso.example.org:9100", "job": "node"}


def firing(folder: Path, series: list[dict[str, str]], hours: int, alerts: set[str]) -> str:
    """What promtool says where not exactly these alerts fire at that hour; empty where they do."""
    samples = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(alerts)]
    test = {
        "rule_files": [str(RULES)],
        "evaluation_interval": MINUTES,
        "tests": [
            {
                "interval": MINUTES,
                "input_series": series,
                "promql_expr_test": [{"expr": FIRING, "eval_time": f"{hours}h", "exp_samples": samples}],
            }
        ],
    }
    (folder / "test.yml").write_text(yaml.safe_dump(test))
    done = promtool("test", "rules", folder / "test.yml")
    return "" if done.returncode == 0 else done.stdout + done.stderr


def kept(report: Report) -> Report:
    """As a site says it that set deleted_kept_days to 3."""
    report.kept = {"nova": 3 * DAY}
    return report


def healthy(cloudlet: Cloudlet) -> str:
    cloudlet.run(T1)
    return written(cloudlet, kept(cloudlet.run(T2)))


def failing_nova(cloudlet: Cloudlet) -> str:
    cloudlet.run(T1)
    return written(cloudlet, cloudlet.run(T2, compute=FakeCompute(servers(T2), fail_on_page=1)))


def without_a_vo(cloudlet: Cloudlet) -> str:
    return written(cloudlet, cloudlet.run(T2, unmapped=[Project("p3", "gamma", None, None)]))


def refused(cloudlet: Cloudlet) -> str:
    class Refusing(Recorder):
        def send(self, records):  # type: ignore[no-untyped-def]
            raise RejectedError({record.key: "no" for record in records})

    outlet = Outlet("ssm", Refusing(), frozenset({"cloud"}))
    cloudlet.run(T1, outlets=[outlet])
    return written(cloudlet, cloudlet.run(T1, outlets=[outlet]))


def odd(cloudlet: Cloudlet) -> str:
    rows = [row | {"created": None} if row["id"] == "runs" else row for row in servers(T1)]
    cloudlet.run(T1, compute=FakeCompute(rows))
    rows = [row | {"created": None} if row["id"] == "runs" else row for row in servers(T2)]
    return written(cloudlet, cloudlet.run(T2, compute=FakeCompute(rows)))


def left_by_messages(fate: Fate) -> Callable[[Cloudlet], str]:
    def written_so(cloudlet: Cloudlet) -> str:
        message = Notice("m", "volume.create.end", T1, fate, "it tells no size", "{}")
        with cloudlet.store() as store:
            store.take(Place("", REGION), [], [message], [], by="notifications", at=T1)
        return healthy(cloudlet)

    return written_so


def one_scope(until: timedelta) -> Callable[[Cloudlet], str]:
    """The project beta was not part of the last run, and is that far behind."""

    def written_so(cloudlet: Cloudlet) -> str:
        cloudlet.run(T2 - until)
        return written(cloudlet, kept(cloudlet.run(T2, projects=PROJECTS[:1])))

    return written_so


def messenger_down(since: timedelta) -> Callable[[Cloudlet], str]:
    def down(records):  # type: ignore[no-untyped-def]
        raise DeliveryError("it is down")

    def written_so(cloudlet: Cloudlet) -> str:
        cloudlet.run(T2 - since, outlets=[cloudlet.outlet(Recorder(down))])
        return written(cloudlet, cloudlet.run(T2, outlets=[cloudlet.outlet(Recorder(down))]))

    return written_so


CASES = [
    ("all is well", healthy, 2, set()),
    ("no run for four hours", healthy, 4, {"CasoNotRun"}),
    ("a project fails for two hours", failing_nova, 2, {"CasoErrors"}),
    ("a project fails for one hour only", failing_nova, 1, set()),
    ("a project has no VO", without_a_vo, 2, {"CasoProjectsLeftUndone"}),
    ("records were refused", refused, 1, {"CasoRecordsSetAside"}),
    ("an object cannot be read", odd, 2, {"CasoQuarantineGrows"}),
    ("a message was not understood", left_by_messages(Fate.DEAD), 1, {"CasoMessagesNotUnderstood"}),
    ("a message waits", left_by_messages(Fate.WAITING), 2, set()),
    ("a project is half a day behind", one_scope(DAY / 2), 1, set()),
    ("a project is a day behind", one_scope(DAY), 1, {"CasoScopeLags"}),
    ("a project is two days behind of three", one_scope(2 * DAY), 1, {"CasoScopeLags", "CasoScopeNearlyTooLate"}),
    ("a messenger has been down since it is new, for half a day", messenger_down(DAY / 2), 2, {"CasoErrors"}),
    ("a messenger has been down since it is new, for a day", messenger_down(DAY), 2, {"CasoErrors", "CasoMessengerFails"}),
]


def test_promtool_understands_the_rules():
    done = promtool("check", "rules", RULES)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("write", "hours", "alerts"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_an_alert_fires_when_what_it_is_about_is_so_and_not_else(
    tmp_path: Path, write: Callable[[Cloudlet], str], hours: int, alerts: set[str]
):
    text = write(Cloudlet(tmp_path))

    assert firing(tmp_path, series_of(text, hours), hours, alerts) == ""


def test_a_messenger_that_succeeded_once_counts_from_then(tmp_path: Path):
    cloudlet = Cloudlet(tmp_path)
    cloudlet.run(T2 - 2 * DAY)
    text = messenger_down(DAY)(cloudlet)

    assert firing(tmp_path, series_of(text, 2), 2, {"CasoErrors", "CasoMessengerFails"}) == ""


def test_runs_that_end_before_they_start_are_told(tmp_path: Path):
    series = series_of(healthy(Cloudlet(tmp_path)), 2)
    for one in series:
        if one["series"].startswith("caso_run_exit_status"):
            one["values"] = "2+0x24"

    assert firing(tmp_path, series, 2, {"CasoNothingStarted"}) == ""


def test_no_metrics_at_all_are_told(tmp_path: Path):
    assert firing(tmp_path, [], 2, {"CasoNoMetrics"}) == ""


def test_a_quarantine_that_has_been_the_same_for_a_day_is_told_no_more_until_it_grows(tmp_path: Path):
    series = [
        one for one in series_of(odd(Cloudlet(tmp_path)), 30) if one["series"].startswith(("caso_quarantined", "caso_run_end"))
    ]
    for one in series:
        if one["series"].startswith("caso_run_end"):
            one["values"] = "0+300x360"
    grown = [one | {"values": one["values"].replace("1.0+0x360", "1.0+0x320 2+0x40")} for one in series]

    assert firing(tmp_path, series, 30, set()) == ""
    assert grown != series
    assert firing(tmp_path, grown, 30, {"CasoQuarantineGrows"}) == ""


def test_messages_that_wait_for_more_than_a_day_are_told(tmp_path: Path):
    names = ("caso_messages_left", "caso_run_end")
    text = left_by_messages(Fate.WAITING)(Cloudlet(tmp_path))
    series = [one for one in series_of(text, 30) if one["series"].startswith(names)]
    for one in series:
        if one["series"].startswith("caso_run_end"):
            one["values"] = "0+300x360"

    assert firing(tmp_path, series, 23, set()) == ""
    assert firing(tmp_path, series, 25, {"CasoMessagesWait"}) == ""


def test_every_alert_is_tried():
    source = Path(__file__).read_text()

    assert [name for name in sorted(ALERTS) if f'"{name}"' not in source] == []


def test_an_alert_names_the_project_and_what_to_do(tmp_path: Path):
    series = series_of(one_scope(DAY)(Cloudlet(tmp_path)), 1)
    alert = {
        "exp_labels": {
            **HOST,
            "severity": "warning",
            "cloud_service": "SERVICE",
            "extractor": "nova",
            "project": "beta",
            "project_id": "p2",
            "region": "RegionOne",
        },
        "exp_annotations": {
            "summary": "Project beta (nova) is 1d 1h 0m 0s behind",
            "description": "Its last runs failed or it was not part of them. The log says why, and caso-projects how far it is.",
        },
    }
    test = {
        "rule_files": [str(RULES)],
        "evaluation_interval": MINUTES,
        "tests": [
            {
                "interval": MINUTES,
                "input_series": series,
                "alert_rule_test": [{"eval_time": "1h", "alertname": "CasoScopeLags", "exp_alerts": [alert]}],
            }
        ],
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test))

    done = promtool("test", "rules", tmp_path / "test.yml")

    assert done.returncode == 0, done.stdout
