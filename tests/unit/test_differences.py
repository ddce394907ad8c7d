"""A dry run shows the difference to what was last accepted, and only that."""

import io
from contextlib import contextmanager

import pytest
from rich.console import Console

from caso.cli import differences as lines
from caso.cli import documents
from caso.delivery import Outlet
from caso.differences import What, differences
from caso.errors import DeliveryError
from caso.planning import Period
from caso.run import run
from caso.store import Subscription, open_scratch, open_store
from caso.testing.servers import FakeCompute, a_server
from tests.unit.cloudlet import PROJECTS, T1, T2, Cloudlet, Recorder, servers, ticking
from tests.unit.store.building import NOW, a_record, a_statement, deliver, put

HOUR = T2 - T1


@pytest.fixture
def cloudlet(tmp_path):
    return Cloudlet(tmp_path, extractors=("nova", "cinder", "neutron"))


@contextmanager
def dry_run(cloudlet, at, **changes):
    """The report of a dry run, and the copy of the store that it worked on."""
    with open_scratch(f"sqlite:///{cloudlet.folder}/spool/caso.sqlite") as store:
        yield run(cloudlet.job(at, dry_run=True, **changes), store, ticking(at)), store


def told(cloudlet, at, messenger="ssm", **changes):
    """What differs in each record, by its key."""
    with dry_run(cloudlet, at, **changes) as (_, store):
        return {one.compared.line.key: one for one in differences(store, messenger)}


def shown(cloudlet, at, limit=None, **changes):
    output = io.StringIO()
    with dry_run(cloudlet, at, **changes) as (report, store):
        lines.show(report, store, [outlet.name for outlet in cloudlet.job(at, **changes).outlets], limit, Console(file=output))
    return output.getvalue()


def test_every_kind_of_difference_is_told_by_its_name(cloudlet):
    cloudlet.run(T1)

    found = {key: one.what for key, one in told(cloudlet, T2).items()}

    assert {key: what for key, what in found.items() if what is not What.LONGER} == {
        "cloud/born/2024-03": What.NEW,
        "cloud/ends/2024-03": What.ENDED,
        "cloud/grows/2024-03": What.CHANGED,
        "cloud/stops/2024-03": What.CHANGED,
        "ip/SITE/SERVICE/p2/4/2024-03": What.CHANGED,
        "storage/born/2024-03/1": What.NEW,
        "storage/goes/2024-03/1": What.ENDED,
        "storage/grows/2024-03/2": What.NEW,
    }
    assert {"cloud/runs/2024-03", "accelerator/gpu/2024-03/NVIDIA A100", "storage/stays/2024-03/1"} < found.keys()


def test_what_matters_is_told_before_what_always_moves(cloudlet):
    cloudlet.run(T1)

    found = told(cloudlet, T2)

    assert [field.name for field in found["cloud/stops/2024-03"].fields] == [
        *("status", "wall_seconds", "cpu_seconds", "measured_at"),
    ]
    status, *_, measured = found["cloud/stops/2024-03"].fields
    assert (status.before, status.after) == ("started", "stopped")
    assert (measured.before, measured.after) == (T1.isoformat(), T2.isoformat())


def test_a_dry_run_of_the_past_shows_nothing_where_nothing_is_known_better(cloudlet):
    april = T2.replace(month=4)
    for at in (T1, T2, april):
        cloudlet.run(at)
    march = Period(now=april + HOUR, until=april.replace(day=1), since=T1.replace(day=1, hour=0), past=True)

    assert told(cloudlet, april + HOUR, period=march) == {}
    assert "ssm: nothing that it does not know yet" in shown(cloudlet, april + HOUR, period=march)


def test_a_dry_run_of_the_past_shows_only_what_is_known_better(cloudlet):
    april = T2.replace(month=4)
    for at in (T1, T2, april):
        cloudlet.run(at)
    march = Period(now=april + HOUR, until=april.replace(day=1), since=T1.replace(day=1, hour=0), past=True)
    deleted = {"status": "DELETED", "updated": "2024-03-20T00:00:00Z", "OS-SRV-USG:terminated_at": "2024-03-20T00:00:00.000000"}
    rows = [row | deleted if row["id"] == "runs" else row for row in servers(april)]

    found = told(cloudlet, april + HOUR, period=march, compute=FakeCompute(rows, page_size=2))

    wanted = {"cloud/runs/2024-03": What.ENDED, "cloud/runs/2024-04": What.VANISHED}
    assert {key: one.what for key, one in found.items()} == wanted


def test_a_dry_run_is_compared_with_what_a_messenger_that_was_down_accepted_before(cloudlet):
    def down(records):
        raise DeliveryError("connection refused")

    broken = Recorder()
    outlets = [Outlet("broken", broken)]
    cloudlet.run(T1, outlets=outlets)
    broken.trouble = down
    cloudlet.run(T1 + HOUR / 2, outlets=outlets, compute=FakeCompute(servers(T1)))

    measured = told(cloudlet, T2, "broken", outlets=outlets)["cloud/runs/2024-03"].fields[-1]

    assert (measured.before, measured.after) == (T1.isoformat(), T2.isoformat())


def test_what_is_taken_back_is_told_as_vanished(cloudlet):
    one = PROJECTS[:1]
    first = T1.replace(month=4, day=3)
    row = a_server("runs", "p1")
    for at in (T1, first):
        cloudlet.run(at, compute=FakeCompute([row]), projects=one, extractors=nova(cloudlet, at, row))
    ended = {"status": "DELETED", "updated": "2024-04-03T11:30:00Z", "OS-SRV-USG:terminated_at": "2024-03-20T00:00:00.000000"}

    found = told(cloudlet, first + HOUR, projects=one, extractors=nova(cloudlet, first + HOUR, row | ended))

    assert {key: difference.what for key, difference in found.items()} == {
        "cloud/runs/2024-03": What.ENDED,
        "cloud/runs/2024-04": What.VANISHED,
    }


def nova(cloudlet, at, *rows):
    return {"nova": cloudlet._extractors(at, FakeCompute(list(rows)))["nova"]}


def test_what_came_to_be_again_as_it_was_accepted_is_no_difference(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/caso.sqlite") as store:
        store.ledger.configure({"ours": Subscription()}, NOW)
        put(store, a_statement(a_record(wall=1)))
        deliver(store, "ours")
        put(store, a_statement(a_record(wall=2)))
        assert [one.what for one in differences(store, "ours")] == [What.CHANGED]

        put(store, a_statement(a_record(wall=1)))

        assert store.ledger.due("ours", 1)
        assert list(differences(store, "ours")) == []


@pytest.mark.parametrize(
    ("wall", "later", "what"),
    [(2, HOUR, What.LONGER), (2, 0 * HOUR, What.CHANGED), (0, HOUR, What.CHANGED), (2, -HOUR, What.CHANGED)],
    ids=["both went on", "only use grew", "use fell", "time fell"],
)
def test_only_where_time_and_use_went_on_together_nothing_but_time_went_on(tmp_path, wall, later, what):
    with open_store(f"sqlite:///{tmp_path}/caso.sqlite") as store:
        store.ledger.configure({"ours": Subscription()}, NOW)
        put(store, a_statement(a_record(wall=1, measured_at=NOW)))
        deliver(store, "ours")

        put(store, a_statement(a_record(wall=wall, measured_at=NOW + later)))

        assert [one.what for one in differences(store, "ours")] == [what]


def test_the_counts_are_those_of_the_single_records(cloudlet):
    cloudlet.run(T1)

    with dry_run(cloudlet, T2) as (report, store):
        found = [(one.project_id, one.vo, one.compared.line.kind, one.what) for one in differences(store, "ssm")]
        counted = [
            (row.project_id, row.vo, row.kind, what) for row in report.preview for what, n in row.counts.items() for _ in range(n)
        ]

    assert sorted(found) == sorted(counted)
    assert {what for *_, what in found} == {What.NEW, What.CHANGED, What.ENDED, What.LONGER}


def test_a_first_run_is_summed_up_unless_its_records_are_asked_for(cloudlet):
    text = shown(cloudlet, T1)
    assert "are new to it" in text
    assert "cloud/runs" not in text

    assert "new      cloud/runs/2024-03  alpha  status started; wall" in shown(cloudlet, T1, limit=0)


def test_no_more_is_listed_than_was_asked_for_those_that_matter_first(cloudlet):
    cloudlet.run(T1)

    head, *rows, more = shown(cloudlet, T2, limit=3).splitlines()

    assert (head, len(rows)) == ("For ssm", 3)
    assert {row.split()[0] for row in rows} == {"changed"}
    assert int(more.split()[0]) == len(told(cloudlet, T2)) - 3


def test_a_record_is_one_line_with_units_and_times_that_can_be_read(cloudlet):
    cloudlet.run(T1)

    found = {line.split()[1]: line for line in shown(cloudlet, T2, limit=0).splitlines() if "/" in line}

    assert found["cloud/ends/2024-03"].startswith(
        "ended    cloud/ends/2024-03  alpha  status started -> completed; end none -> 2024-03-10 11:20:00; wall "
    )
    assert "cpu count 2 -> 16" in found["cloud/grows/2024-03"].replace("2.0", "2")
    assert "s (" in found["cloud/runs/2024-03"]


def test_a_revision_that_is_not_kept_is_said_not_to_be(cloudlet):
    def down(records):
        raise DeliveryError("connection refused")

    slow = Recorder()
    outlets = [Outlet("slow", slow), Outlet("quick", Recorder())]
    cloudlet.run(T1, outlets=outlets)
    slow.trouble = down
    for at, name in ((T1 + HOUR / 2, "first"), (T1 + HOUR, "second")):
        renamed = [row | {"name": name, "updated": f"{at - HOUR / 4:%FT%TZ}"} for row in servers(T1)]
        cloudlet.run(at, outlets=outlets, compute=FakeCompute(renamed))

    one = told(cloudlet, T2, "slow", outlets=outlets)["cloud/runs/2024-03"]

    assert (one.known, one.what) == (False, What.CHANGED)
    assert "an older one that is not kept: now status started" in str(lines.line(one, {}))


def test_a_difference_as_json_has_each_field_before_and_after(cloudlet):
    cloudlet.run(T1)

    found = documents.difference(told(cloudlet, T2)["cloud/ends/2024-03"])

    assert (found["messenger"], found["what"], found["project_id"], found["vo"]) == ("ssm", "ended", "p1", "vo.alpha")
    assert found["fields"]["end"] == {"before": None, "after": "2024-03-10T11:20:00+00:00"}
    assert found["before_known"]


def test_a_value_of_the_clouds_users_can_draw_nothing(cloudlet):
    rows = [a_server("runs", "p1", name="a\x1b[31mred")]
    cloudlet.run(T1, compute=FakeCompute([a_server("runs", "p1")]), extractors=nova(cloudlet, T1, a_server("runs", "p1")))

    one = told(cloudlet, T2, extractors=nova(cloudlet, T2, *rows))["cloud/runs/2024-03"]

    assert "\x1b" not in str(lines.line(one, {}))
    assert "red" in str(lines.line(one, {}))
