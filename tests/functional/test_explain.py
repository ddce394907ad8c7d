"""caso-explain as a process: on a store that the real cloud has filled, and on odd ones."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from caso.accounting.rules import Rules
from caso.accounting.use import Use
from caso.explaining import ServerMonth, VolumeMonth, find
from caso.extractors.base import OddObject
from caso.store import Place, Selection, Store, open_store
from caso.testing.entities import CREATED, hours, seen_server
from tests.cloud import T1, T2, Cloud
from tests.functional.driver import Site
from tests.functional.examples import check_example
from tests.functional.test_commands import command

LOOKS = (datetime(2026, 9, 1, 12, tzinfo=UTC), datetime(2026, 9, 2, 12, tzinfo=UTC), T1, T2)
"""When caso runs: before and after the resize of the server that is explained, and around the hour in which it is shelved."""
RESIZED = "project-2-vm00052"


@pytest.fixture(scope="module")
def site(running_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site that saw a server before and after it was resized, and a month later before and after it was shelved."""
    running_cloud.reset()
    filled = Site(tmp_path_factory.mktemp("explain"), running_cloud, "reader")
    project = running_cloud.truth.project("project-2").id
    for at in LOOKS:
        running_cloud.advance(at)
        filled.run(at, "--caso-tag=", f"--projects={project}", "--extractor=nova,cinder")
    running_cloud.reset()
    return filled


def server(site: Site, name: str) -> Any:
    return next(one for one in site.cloud.truth.servers if one.name == name)


def explain(site: Site, *arguments: str) -> dict[str, Any]:
    done = command("caso-explain", f"--config-file={site.conf}", *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    (found,) = json.loads(done.stdout)
    return found  # type: ignore[no-any-return]


def test_the_documentation_shows_what_the_command_prints(site: Site):
    uuid = server(site, RESIZED).id

    done = command("caso-explain", f"--config-file={site.conf}", uuid, COLUMNS="150")

    assert (done.returncode, done.stderr) == (0, "")
    check_example("explain.txt", f"$ caso-explain {uuid}\n{done.stdout}")


def test_no_api_is_asked_and_nothing_is_changed(site: Site):
    store = site.folder / "spool" / "caso.sqlite"
    before = store.read_bytes()

    with site.cloud.calls() as calls:
        done = command("caso-explain", f"--config-file={site.conf}", server(site, RESIZED).id)

    assert (done.returncode, list(calls)) == (0, [])
    assert store.read_bytes() == before


def test_the_true_start_of_every_interval_that_caso_saw_begin_lies_where_it_is_said_to(site: Site):
    truth = server(site, RESIZED)
    steps = [step for step in truth.steps if step.task_state is None]

    intervals = explain(site, truth.id)["intervals"]

    told = [one for one in intervals if one["start_is"] != "assumed"]
    assert len(told) >= 3
    for one in told:
        earliest, latest = (datetime.fromisoformat(one[name]) for name in ("start_earliest", "start_latest"))
        # Nova's rows have whole seconds.
        assert [step for step in steps if earliest <= step.at <= latest], one


def test_every_record_that_the_recipient_holds_of_a_server_is_what_its_months_say(site: Site):
    truth = server(site, RESIZED)

    months = {month["month"]: month["sent"] for month in explain(site, truth.id)["months"] if month["sent"]}

    rows = {key: row for key, row in site.recipient.rows["cloud"].items() if key[0] == truth.id}
    assert {f"{year}-{month:02}" for _, month, year in rows} == set(months)
    for (_, month, year), row in rows.items():
        assert row["CpuDuration"] == months[f"{year}-{month:02}"]["cpu_seconds"]
        assert row["WallDuration"] == months[f"{year}-{month:02}"]["wall_seconds"]


def test_the_sums_of_every_server_and_volume_of_the_project_are_its_records(site: Site):
    rules = Rules("TEST-SITE", "TEST-SERVICE", "OpenStack")
    with site.store() as store:
        found = [one for thing in _ids(store) for one in find(store, thing, rules).explanations]

    assert len(found) > 80
    for one in found:
        for month in one.months:
            if isinstance(month, ServerMonth) and month.sent:
                sent = month.sent
                assert Use.recorded(sent) == month.total, one.known
                assert [note for note in month.notes if "suspended time before" not in note] == [], one.known
            elif isinstance(month, VolumeMonth):
                assert month.notes or all(part.record_id for part in month.parts), one.known


def _ids(store: Store) -> set[str]:
    """Of all servers and volumes that records are held of."""
    entries = store.ledger.inspection.entries(Selection(), [])
    return {entry.line.subject.partition("/")[2] for entry in entries if entry.line.kind in ("cloud", "storage")}


def test_a_deleted_volume_ends_where_it_was_last_seen_with_the_reason(site: Site):
    project = site.cloud.truth.project("project-2").id
    gone = next(v for v in site.cloud.truth.volumes if v.project_id == project and v.deleted_at and T1 < v.deleted_at < T2)

    done = command("caso-explain", f"--config-file={site.conf}", gone.id)

    assert done.returncode == 0
    assert f"{T1:%F %T}, when it was last there; it was gone at {T2:%F %T}" in done.stdout
    assert f"{gone.id}/2026-10/1" in done.stdout


def test_a_month_alone_is_shown_on_demand(site: Site):
    uuid = server(site, RESIZED).id

    found = explain(site, uuid, "--month=2026-09")
    empty = command("caso-explain", f"--config-file={site.conf}", uuid, "--month=2020-01")

    assert [month["month"] for month in found["months"]] == ["2026-09"]
    assert {record["month"] for record in found["records"]} == {"2026-09"}
    assert (empty.returncode, "it did not live in 2020-01" in empty.stderr) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ffffffff-0000"], "the store knows no server and no volume ffffffff-0000"),
        (["a\x1b[31m"], "'a\\x1b[31m' is too short for an id"),
        (["0c1d2e3f\x1b[31m"], "knows no server and no volume 0c1d2e3f\ufffd[31m"),
        (["x", "--month=October"], "'October' is no month; write it like 2026-10"),
        ([], "UUID"),
    ],
    ids=["unknown", "drawing", "drawing at length", "month", "none"],
)
def test_what_cannot_be_meant_is_a_sentence(site: Site, arguments: list[str], said: str):
    done = command("caso-explain", f"--config-file={site.conf}", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr


def test_a_store_that_is_not_there_yet_is_a_sentence(tmp_path: Path):
    (tmp_path / "caso.conf").write_text(f"[DEFAULT]\nspooldir = {tmp_path}/spool\n")

    done = command("caso-explain", f"--config-file={tmp_path}/caso.conf", "0c1d2e3f")

    assert (done.returncode, "there is none yet" in done.stderr) == (2, True)


def test_names_and_reasons_draw_nothing_on_a_terminal(tmp_path: Path):
    (tmp_path / "caso.conf").write_text(f"[DEFAULT]\nspooldir = {tmp_path}/spool\n")
    (tmp_path / "spool").mkdir()
    with open_store(f"sqlite:///{tmp_path}/spool/caso.sqlite") as store:
        store.observe(Place("", "north"), [seen_server(at=hours(1), name="\x1b[31mmallory", status="A[b]C")], by="nova")
        store.quarantine(
            Place("", "north"),
            [OddObject("server", "0ddba11-1", "project-1", "its name is \x1b[31mred")],
            window_start=CREATED,
            at=hours(1),
        )

    server = command("caso-explain", f"--config-file={tmp_path}/caso.conf", seen_server(at=hours(1)).uuid)
    odd = command("caso-explain", f"--config-file={tmp_path}/caso.conf", "0ddba11-1")
    document = command("caso-explain", f"--config-file={tmp_path}/caso.conf", "0ddba11-1", "--json")

    assert (server.returncode, odd.returncode) == (0, 0)
    assert "\ufffd[31mmallory" in server.stdout
    assert "A[b]C" in server.stdout
    assert "it is not accounted for: its name is \ufffd[31mred" in odd.stdout
    assert "\x1b" not in server.stdout + odd.stdout + document.stdout
    assert json.loads(document.stdout)[0]["quarantine"]["reason"] == "its name is \x1b[31mred"
