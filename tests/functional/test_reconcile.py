"""caso-reconcile against the real Nova: its numbers, its causes and its messages, held against the truth about the cloud."""

import json
import shutil
from collections.abc import Iterator
from datetime import datetime

import pytest

from caso.cli import reconcile
from tests.cloud import T1, T2, Cloud, Fault
from tests.cloud.seed.truth import Server, Step
from tests.functional.asking import without
from tests.functional.driver import Site
from tests.functional.examples import check_example
from tests.functional.expectation import expected, month_of

MONTH = month_of(T1)
ASLEEP = ("suspended", "shelved_offloaded")


class Reconciled:
    """A site that was extracted at T1 and T2, and what caso-reconcile then says of October."""

    def __init__(self, site: Site, told: dict[str, list], capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[type-arg]
        self.site = site
        self.told = told
        self.capsys = capsys
        self.errors = ""
        self.projects = [project for project in site.cloud.truth.accounted if project.vo]

    def run(self, *arguments: str, month: str = "2026-10") -> tuple[int, str]:
        """Its status and what it prints."""
        chosen = [] if "--project" in arguments else [word for one in self.projects for word in ("--project", one.id)]
        self.capsys.readouterr()
        status = reconcile.main([f"--config-file={self.site.conf}", "--month", month, *chosen, *arguments])
        printed = self.capsys.readouterr()
        self.errors = printed.err
        return status, printed.out

    def json(self, *arguments: str, **options: str) -> list[dict]:  # type: ignore[type-arg]
        _, printed = self.run("--json", *arguments, **options)
        return json.loads(printed)  # type: ignore[no-any-return]

    def servers(self) -> dict[str, dict]:  # type: ignore[type-arg]
        """What it says of each server; the causes by their names. Asked for once for each role."""
        if self.site.role not in self.told:
            self.told[self.site.role] = self.json("--servers")
        return {
            server["server_id"]: server | {"causes": {cause["cause"]: cause for cause in server["causes"]}}
            for row in self.told[self.site.role]
            for server in row["servers"]
        }


@pytest.fixture(scope="module")
def sites(running_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Site]]:
    """One for each role; a reader and an administrator ask in different ways, and remember the same."""
    folders = {role: tmp_path_factory.mktemp(role) for role in ("reader", "admin")}
    found = {role: Site(folder, running_cloud, role) for role, folder in folders.items()}
    found["reader"].run(T1)
    running_cloud.advance(T2)
    found["reader"].run(T2)
    shutil.copytree(folders["reader"] / "spool", folders["admin"] / "spool")
    yield found
    running_cloud.reset()


@pytest.fixture(params=["reader"])
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


both_roles = pytest.mark.parametrize("role", ["reader", "admin"], indirect=True)


@pytest.fixture(scope="module")
def told() -> dict[str, list]:  # type: ignore[type-arg]
    return {}


@pytest.fixture
def reconciled(
    sites: dict[str, Site], told: dict[str, list], cloud: Cloud, role: str, capsys: pytest.CaptureFixture[str]
) -> Reconciled:
    cloud.advance(T2)
    return Reconciled(sites[role], told, capsys)


def hours(start: datetime, end: datetime) -> float:
    """Of a stretch, what lies between the start of the month and T2."""
    return max(0.0, (min(end, T2) - max(start, MONTH)).total_seconds() / 3600)


def now(server: Server) -> Step:
    step = server.state(T2)
    assert step
    return step


def end_of(server: Server) -> datetime:
    return (server.terminated_at or now(server).at) if now(server).vm_state == "deleted" else T2


def by_nova(cloud: Cloud, server: Server) -> float:
    """Core-hours as the API reckons: from the last launch up to terminated_at, at the flavor of now."""
    step = now(server)
    if step.launched_at is None:
        return 0.0
    ended = server.terminated_at if step.vm_state == "deleted" else None
    return hours(step.launched_at, ended or T2) * cloud.truth.flavor(step.flavor).vcpus


def causes_of(cloud: Cloud, server: Server) -> dict[str, float]:
    """The core-hours of each cause that the truth has for a server that was extracted at T1 and T2."""
    step = now(server)
    if step.launched_at is None:
        lived_on = step.vm_state != "deleted" or step.at >= MONTH
        return {"never_launched": 0.0} if lived_on else {}
    vcpus = cloud.truth.flavor(step.flavor).vcpus
    ended = end_of(server)
    found = {"before_launch": hours(server.created, min(step.launched_at, ended)) * vcpus}
    if step.vm_state == "deleted" and server.terminated_at is None:
        found["deleted_without_end"] = -hours(ended, T2) * vcpus
    seen = server.state(T1)
    if seen and seen.vm_state != "deleted":
        # Before the first look all is awake, at the flavor of that time.
        steps = [seen, *(one for one in server.steps if T1 < one.at <= T2 and one.vm_state != "deleted")]
        ends = [*(one.at for one in steps[1:]), ended]
        starts = [server.created, *(one.at for one in steps[1:])]
        asleep = sum(
            hours(max(start, T1), end) for one, start, end in zip(steps, starts, ends, strict=True) if one.vm_state in ASLEEP
        )
        found["suspended"] = -asleep * vcpus
        found["other_flavor"] = sum(
            (hours(start, end) - (hours(max(start, T1), end) if one.vm_state in ASLEEP else 0.0))
            * (cloud.truth.flavor(one.flavor).vcpus - vcpus)
            for one, start, end in zip(steps, starts, ends, strict=True)
        )
    return {cause: told for cause, told in found.items() if abs(told) > 1e-9}


@both_roles
def test_every_server_differs_by_what_the_truth_makes_of_it(reconciled: Reconciled):
    cloud = reconciled.site.cloud

    told = reconciled.servers()

    mine = {project.id for project in reconciled.projects}
    truth = {one.id: one for one in cloud.truth.servers if one.project_id in mine and one.created < T2}
    compared = {uuid: {cause: told[uuid]["causes"][cause]["core_hours"] for cause in told[uuid]["causes"]} for uuid in told}
    wanted = {uuid: causes_of(cloud, server) for uuid, server in truth.items() if end_of(server) >= MONTH}
    assert {cause for one in wanted.values() for cause in one} == {
        "before_launch",
        "deleted_without_end",
        "suspended",
        "other_flavor",
        "never_launched",
    }
    for uuid, causes in wanted.items():
        assert compared.get(uuid, {}) == pytest.approx(causes, abs=2e-3), truth[uuid]
    assert {uuid for uuid in compared.keys() - wanted.keys() if compared[uuid]} == set()


def test_novas_hours_are_those_that_it_would_bill(reconciled: Reconciled):
    cloud = reconciled.site.cloud

    told = reconciled.servers()

    for server in cloud.truth.servers:
        if server.id in told:
            assert told[server.id]["nova"]["core_hours"] == pytest.approx(by_nova(cloud, server), abs=1e-6), server
    assert sum(one["nova"]["core_hours"] for one in told.values()) > 1000


def test_the_ledgers_hours_are_those_that_the_recipient_books(reconciled: Reconciled):
    rows = expected(reconciled.site.cloud.truth, [T1, T2])["cloud"]

    told = reconciled.servers()

    for (uuid, month, _), fields in rows.items():
        if month == MONTH.month and uuid in told:
            before = rows.get((uuid, MONTH.month - 1, MONTH.year), {}).get("CpuDuration", 0)
            assert told[uuid]["ledger"]["core_hours"] * 3600 == pytest.approx(fields["CpuDuration"] - before)


def test_the_causes_add_up_and_nothing_is_left_unexplained(reconciled: Reconciled):
    status, _ = reconciled.run()
    rows = reconciled.json()

    assert status == 0
    for row in rows:
        for measure in ("core_hours", "memory_gib_hours", "disk_gib_hours"):
            assert sum(cause[measure] for cause in row["causes"]) == pytest.approx(row["difference"][measure], abs=1e-4)
            assert row["not_explained"][measure] == 0
        assert row["listing"]["core_hours"] > row["nova"]["core_hours"]


@both_roles
def test_it_asks_little(reconciled: Reconciled):
    with reconciled.site.cloud.calls() as calls:
        reconciled.run()

    count = len(reconciled.projects)
    usages = [call for call in calls.of("nova", "/os-simple-tenant-usage") if call.status == 200]
    listings = [call for call in calls.of("nova", "/servers/detail") if call.status == 200]
    assert len(usages) == count
    assert len(listings) == (2 if reconciled.site.role == "admin" else 2 * count)


def test_a_nova_that_pages_by_seven_is_followed_to_the_real_end(reconciled: Reconciled):
    project = reconciled.projects[0]
    whole = reconciled.json("--project", project.id)
    reconciled.site.cloud.restart("nova", max_limit=7)

    assert reconciled.json("--project", project.id) == whole


def test_an_archived_row_is_in_the_ledger_only(reconciled: Reconciled):
    cloud = reconciled.site.cloud
    project = reconciled.projects[0]
    server = next(
        one
        for one in cloud.truth.servers
        if one.project_id == project.id and one.cell == "cell1" and one.terminated_at and MONTH < one.terminated_at < T1
    )

    with without(cloud, "nova_cell1", "instances", "uuid = ?", server.id):
        status, printed = reconciled.run("--json", "--servers", "--project", project.id)

    (row,) = json.loads(printed)
    (told,) = [one for one in row["servers"] if one["server_id"] == server.id]
    assert status == 0
    assert [cause["cause"] for cause in told["causes"]] == ["archived"]
    assert told["causes"][0]["core_hours"] == told["ledger"]["core_hours"] > 0


def test_a_month_before_caso_came_is_told_from_the_closing_records(reconciled: Reconciled):
    rows = reconciled.json(month="2026-09")

    causes = {cause["cause"] for row in rows for cause in row["causes"]}
    assert {"no_earlier_record", "before_accounting"} <= causes
    assert all(row["not_explained"]["core_hours"] == 0 for row in rows)


def test_usage_that_nova_does_not_give_costs_its_own_project_only(reconciled: Reconciled):
    project = reconciled.projects[0]
    reconciled.site.cloud.faults.add(Fault(service="nova", path=f"/os-simple-tenant-usage/{project.id}", status=500))

    rows = {row["project_id"]: row for row in reconciled.json()}
    status, printed = reconciled.run()

    assert "cannot list the usage" in rows[project.id]["error"]
    assert [row["error"] for row in rows.values()].count(None) == len(rows) - 1
    assert status == 1
    assert "not compared" in printed
    assert f"nova: cannot list the usage of project {project.name}" in reconciled.errors


def test_a_lost_cell_leaves_its_projects_uncompared(reconciled: Reconciled):
    reconciled.site.cloud.lose_cell("cell2")

    assert all("nova: " in row["error"] for row in reconciled.json())


def test_a_project_without_a_vo_says_so(reconciled: Reconciled):
    project = next(one for one in reconciled.site.cloud.truth.accounted if not one.vo)

    status, _ = reconciled.run("--project", project.name)

    assert status == 1
    assert f"project {project.name} ({project.id}) has no VO: nothing is booked for it" in reconciled.errors


def test_nothing_is_started_for_a_project_that_nobody_accounts_for(reconciled: Reconciled):
    status, printed = reconciled.run("--project", "nobody")

    assert (status, printed) == (2, "")
    assert "--project: nobody: no project of this id or name is accounted for" in reconciled.errors


def test_nothing_is_written(reconciled: Reconciled):
    store = reconciled.site.folder / "spool" / "caso.sqlite"
    before = store.read_bytes()

    reconciled.run()

    assert store.read_bytes() == before


def test_the_example_in_the_documentation_is_what_the_command_prints(reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "110")

    _, printed = reconciled.run("--project", "project-1", "--project", "project-2")

    check_example("reconcile.txt", f"$ caso-reconcile --month 2026-10 --project project-1 --project project-2\n{printed}")
