"""Runs in which little happens: the ledger says what it would say if every record were made anew, and little is written."""

import dataclasses
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import text

from caso.accounting.paces import NO_PACES
from caso.extractors.base import Page
from caso.projects import Project
from caso.settling import servers as servers_pass
from caso.settling import volumes as volumes_pass
from caso.store import Selection, open_store
from caso.testing.entities import seen_address, seen_server, seen_volume
from tests.unit.random_site import Plan, plans, rows_of, site_of
from tests.unit.test_settling import FEBRUARY, HOUR, OURS, T0, Site, Told

few = settings(max_examples=25, derandomize=True, suppress_health_check=list(HealthCheck))


class Changes(Told):
    """Tells what changed, and nothing of what did not."""

    def extract(self, ask):
        yield Page(seen=tuple(self.regions.get(ask.region, ())))


@dataclasses.dataclass
class Quiet(Site):
    """A site where runs ask for changes."""

    def hour(self, at, servers=(), volumes=(), addresses=None):
        asked = {"nova": Changes("server", north=servers), "cinder": Changes("volume", north=volumes)}
        if addresses is not None:
            asked["neutron"] = Changes("address", north=addresses)
        return self.run(at, **asked)

    def walls(self):
        return {record.vm_uuid: record.wall_seconds for record in self.of("cloud") if record.measured_at.month == 1}


@pytest.fixture
def site(tmp_path):
    site = Quiet(tmp_path)
    site.hour(T0, [seen_server(at=T0 - HOUR, uuid=uuid) for uuid in "ab"], [seen_volume(at=T0 - HOUR, uuid="v")])
    return site


def ledger_of(store):
    with store.database.read():
        return {
            one.line.key: (one.line.content, one.line.measured_at, one.line.retracted)
            for one in store.ledger.inspection.entries(Selection(), ())
        }


@few
@given(plans())
def test_whether_records_go_on_or_are_made_anew_the_ledger_and_the_recipient_hold_the_same(plan: Plan):
    with site_of(plan) as going, site_of(plan) as anew, pytest.MonkeyPatch.context() as patch:
        for visit in plan.visits:
            going.visit(visit)
            with patch.context() as nothing_goes_on:
                nothing_goes_on.setattr(servers_pass, "server_paces", lambda *_: NO_PACES)
                nothing_goes_on.setattr(volumes_pass, "volume_paces", lambda *_: NO_PACES)
                anew.visit(visit)
            assert ledger_of(going.store) == ledger_of(anew.store)
            assert rows_of(going.recipient) == rows_of(anew.recipient)


def test_an_hour_in_which_nothing_happens_makes_every_record_longer(site):
    before = site.walls()
    site.hour(T0 + HOUR)

    assert {uuid: wall - before[uuid] for uuid, wall in site.walls().items()} == {"a": 3600, "b": 3600}
    (volume,) = site.of("storage")
    assert volume.measured_at == T0 + HOUR


def rows_written(folder, fleet):
    site = Quiet(folder)
    folder.mkdir()
    site.hour(T0, [seen_server(at=T0 - HOUR, uuid=f"s{n}") for n in range(fleet)], [])
    counts = """
        CREATE TABLE counted (n INTEGER); INSERT INTO counted VALUES (0);
        CREATE TRIGGER r_u AFTER UPDATE ON records BEGIN UPDATE counted SET n = n + 1; END;
        CREATE TRIGGER e_u AFTER UPDATE ON entities BEGIN UPDATE counted SET n = n + 1; END;
        CREATE TRIGGER d_i AFTER INSERT ON deliveries BEGIN UPDATE counted SET n = n + 1; END;
    """
    with open_store(f"sqlite:///{folder}/caso.sqlite") as store, store.database.write() as connection:
        connection.connection.driver_connection.executescript(counts)
    site.hour(T0 + HOUR)
    assert len(site.records) == fleet
    with open_store(f"sqlite:///{folder}/caso.sqlite") as store, store.database.read() as connection:
        return connection.execute(text("SELECT n FROM counted")).scalar_one()


def test_what_a_quiet_hour_writes_does_not_grow_with_the_fleet(tmp_path):
    assert rows_written(tmp_path / "small", 3) == rows_written(tmp_path / "large", 30) == 0


def test_one_that_changes_is_told_anew_and_the_others_go_on(site):
    later = T0 + HOUR
    report = site.hour(later, [seen_server(at=later, uuid="a", unchanged_since=T0 + HOUR / 2, status="SUSPENDED")])

    told = {record.vm_uuid: (record.status.value, record.suspend_seconds) for record in site.of("cloud")}
    assert told == {"a": ("suspended", 1800), "b": ("started", 0)}
    assert report.scopes[0].settled.changes.by_kind == {("cloud", "changed"): 2}


def test_an_address_that_comes_to_lead_to_a_server_is_in_its_next_record(site):
    site.hour(T0 + HOUR, addresses=[])
    assert {record.public_ip_count for record in site.of("cloud")} == {0}

    leads = seen_address(at=T0 + 2 * HOUR, created=T0 + HOUR, server_id="a")
    site.hour(T0 + 2 * HOUR, addresses=[leads])

    assert {record.vm_uuid: record.public_ip_count for record in site.of("cloud")} == {"a": 1, "b": 0}


def test_another_vo_or_service_name_is_in_every_record_at_once(site, monkeypatch):
    monkeypatch.setattr("tests.unit.test_settling.OURS", dataclasses.replace(OURS, vo="vo.two"))
    site.hour(T0 + HOUR)
    assert {record.vo for record in site.of("cloud")} == {"vo.two"}

    site.services["north"] = "RENAMED"
    site.hour(T0 + 2 * HOUR)
    assert {record.service_name for record in site.of("cloud")} == {"RENAMED"}


def test_at_the_end_of_a_month_each_is_closed_and_goes_on_in_the_next(site):
    site.hour(FEBRUARY + HOUR)

    told = {(record.vm_uuid, str(record.month)): record.measured_at for record in site.of("cloud")}
    last, now = FEBRUARY - timedelta(seconds=1), FEBRUARY + HOUR
    assert told == {("a", "2026-01"): last, ("b", "2026-01"): last, ("a", "2026-02"): now, ("b", "2026-02"): now}


def test_what_a_run_that_saw_only_a_part_told_beyond_is_not_taken_back_with_the_others(site):
    changed = seen_server(at=T0 + 3 * HOUR, uuid="a", unchanged_since=T0 + HOUR, status="SHUTOFF")
    cut_off = Changes("server", north=[changed])
    cut_off.extract = lambda ask: iter([Page(seen=(changed,), unfinished={OURS.id: "a cell is down"})])
    site.run(T0 + 3 * HOUR, nova=cut_off)

    site.hour(T0 + 2 * HOUR)

    told = {record.vm_uuid: record.measured_at for record in site.of("cloud")}
    assert told == {"a": T0 + 3 * HOUR, "b": T0 + 2 * HOUR}
    assert site.hour(T0 + 4 * HOUR).exit_status == 0
    assert {record.measured_at for record in site.of("cloud")} == {T0 + 4 * HOUR}


def test_what_leaves_for_another_project_does_not_go_on_with_the_one_that_had_it(site):
    other = Project("project-2", "beta", "vo.two", "property VO")
    moved = seen_server(at=T0 + HOUR, uuid="a", project_id=other.id, unchanged_since=T0 + HOUR / 2)
    site.hour(T0 + HOUR, [moved])
    site.hour(T0 + 2 * HOUR)

    told = {record.vm_uuid: record.measured_at for record in site.of("cloud")}
    assert told == {"a": T0, "b": T0 + 2 * HOUR}
