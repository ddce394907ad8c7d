"""The rules of the numbers, each seen where they count: in the months of the recipient, after runs over a cloud that changes."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from caso.accounting.rules import SUSPENDED_STATES, Rules
from caso.planning import Period
from caso.store import Subscription, open_store
from caso.testing.records import a_cloud_record, a_storage_record, an_accelerator_record, an_energy_record, an_ip_record
from caso.testing.servers import FakeCompute, a_server
from caso.testing.sources import REGION
from caso.window import Month
from tests.unit.cloudlet import GPU, PROJECTS, Cloudlet
from tests.unit.store.building import HERE, NOW, a_statement, put

HOUR = 3600
DAY = 24 * HOUR
ALPHA = PROJECTS[:1]


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def stamp(at):
    return f"{at:%FT%TZ}"


class Site:
    """One project's server ``vm``, run by run."""

    def __init__(self, folder):
        self.cloudlet = Cloudlet(folder, page_size=50)

    def run(self, at, *rows, **changes):
        return self.cloudlet.run(at, compute=FakeCompute(list(rows), **changes.pop("nova", {})), projects=ALPHA, **changes)

    def months(self, name="WallDuration", server="vm"):
        """What the recipient books in each month that has anything of the server."""
        self.cloudlet.received()
        booked = sorted((year, month) for uuid, month, year in self.cloudlet.recipient.rows["cloud"] if uuid == server)
        usage = self.cloudlet.recipient.cloud_usage
        return {f"{year}-{month:02}": usage(Month(year, month)).get(server, {}).get(name, 0) for year, month in booked}

    def row(self, month, year=2024, server="vm"):
        return self.cloudlet.received()["cloud"][server, month, year]


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def vm(created="2024-03-01T00:00:00Z", vcpus=2, **changes):
    flavor = a_server()["flavor"] | {"original_name": f"with-{vcpus}", "vcpus": vcpus}
    return a_server("vm", "p1", created=created, updated=changes.pop("updated", created), flavor=flavor, **changes)


def ended(row, at, known=None):
    """The row of the server once it is deleted; ``known``: when Nova wrote that."""
    return row | {"status": "DELETED", "updated": stamp(known or at), "OS-SRV-USG:terminated_at": f"{at:%FT%T}.000000"}


# Cumulative values


def test_nine_days_on_two_vcpus_and_one_hour_on_sixteen_are_448_core_hours_at_the_recipient(site):
    resized = utc(2024, 3, 10)

    site.run(utc(2024, 3, 9), vm(vcpus=2))
    site.run(utc(2024, 3, 10, 1), vm(vcpus=16, updated=stamp(resized)))

    row = site.row(3)
    assert (row["CpuDuration"], row["WallDuration"]) == (448 * HOUR, 9 * DAY + HOUR)
    assert row["CpuDuration"] == 1_612_800 != 3_472 * HOUR
    assert row["CpuCount"] == 16


def test_core_hours_of_the_month_after_a_resize_are_those_of_the_new_size_alone(site):
    site.run(utc(2024, 3, 30), vm(vcpus=2))
    site.run(utc(2024, 4, 1, 2), vm(vcpus=16, updated="2024-03-31T23:00:00Z"))

    assert site.months("CpuDuration") == {"2024-03": 2 * (31 * DAY - HOUR) + 16 * HOUR, "2024-04": 2 * HOUR * 16}


def test_a_value_that_would_fall_is_held_and_counted_and_told(site, caplog):
    """Stopped servers counted as wall time all March; from April on the site says that their time is suspend time."""
    stopped = vm(status="SHUTOFF")
    site.run(utc(2024, 3, 2), stopped)
    site.run(utc(2024, 4, 1), stopped)
    march = site.row(3)
    asleep = Rules("SITE", "SERVICE", "OpenStack", suspended_states=SUSPENDED_STATES | {"SHUTOFF"})

    report = site.run(utc(2024, 4, 2), stopped, rules={REGION: asleep})

    april = site.row(4)
    assert (april["WallDuration"], april["CpuDuration"]) == (march["WallDuration"], march["CpuDuration"])
    assert min(site.months().values()) >= 0
    assert [scope.settled.shrunk for scope in report.scopes] == [1]
    assert "server vm: cumulative use would fall in 2024-04; the larger value is sent" in caplog.text


# Months


def test_an_outage_over_two_ends_of_months_moves_no_wall_time_to_another_month(site):
    site.run(utc(2024, 3, 10), vm())
    site.run(utc(2024, 5, 20, 6), vm())

    assert site.months() == {"2024-03": 31 * DAY, "2024-04": 30 * DAY, "2024-05": 19 * DAY + 6 * HOUR}


def test_a_run_at_the_very_end_of_a_month_books_in_the_month_that_is_over(site):
    site.run(utc(2024, 3, 10), vm())
    site.run(utc(2024, 4, 1), vm())

    assert site.months() == {"2024-03": 31 * DAY}


def test_an_end_during_an_outage_is_booked_in_its_own_month(site):
    site.run(utc(2024, 3, 10), vm())
    site.run(utc(2024, 5, 20), ended(vm(), utc(2024, 4, 10)))

    assert site.months() == {"2024-03": 31 * DAY, "2024-04": 9 * DAY}
    assert (site.row(3)["Status"], site.row(4)["Status"]) == ("started", "completed")


@pytest.mark.parametrize(("end", "months"), [((2024, 3, 31, 23, 59, 59), {"2024-03"}), ((2024, 4, 1), {"2024-03", "2024-04"})])
def test_an_end_at_the_first_midnight_is_in_the_new_month_and_one_a_second_before_is_not(site, end, months):
    site.run(utc(2024, 3, 31), vm())
    site.run(utc(2024, 4, 2), ended(vm(), utc(*end)))

    booked = site.months()
    assert set(booked) == months
    assert sum(booked.values()) == (utc(*end) - utc(2024, 3, 1)).total_seconds()
    assert site.row(max(int(month[-2:]) for month in months))["Status"] == "completed"


def test_a_server_that_could_not_be_read_for_months_gets_the_months_that_it_missed(site):
    other = a_server("other", "p1")
    for at in (utc(2024, 3, 10), utc(2024, 4, 10), utc(2024, 5, 10)):
        assert site.run(at, vm() | {"flavor": None}, other).exit_status == 1
    assert set(site.months(server="other")) >= {"2024-03", "2024-04", "2024-05"}
    assert site.months() == {}

    site.run(utc(2024, 5, 11), vm(), other)

    assert site.months() == {"2024-03": 31 * DAY, "2024-04": 30 * DAY, "2024-05": 10 * DAY}


def test_a_server_that_cannot_be_read_any_more_goes_on_as_it_was_known(site):
    site.run(utc(2024, 3, 10), vm())
    site.run(utc(2024, 4, 10), vm() | {"flavor": None})

    assert site.months() == {"2024-03": 31 * DAY, "2024-04": 9 * DAY}


def test_the_month_before_the_first_run_is_closed_but_not_booked_to_the_first_month(site):
    site.run(utc(2024, 3, 10), vm(created="2023-06-01T00:00:00Z"))

    assert site.months()["2024-03"] == 9 * DAY
    assert site.row(2)["Status"] == "started"


# Later knowledge, and what it makes vanish


def test_a_server_seen_running_that_turns_out_to_have_ended_before_is_completed_then(site):
    site.run(utc(2024, 3, 10, 11), vm())
    site.run(utc(2024, 3, 10, 12), ended(vm(), utc(2024, 3, 10, 10, 59), known=utc(2024, 3, 10, 11, 30)))

    row = site.row(3)
    assert (row["Status"], row["WallDuration"]) == ("completed", 9 * DAY + 10 * HOUR + 59 * 60)
    assert site.months() == {"2024-03": 9 * DAY + 10 * HOUR + 59 * 60}


def test_a_month_that_better_knowledge_takes_away_books_nothing_and_the_one_before_is_right(site):
    site.run(utc(2024, 3, 31), vm())
    site.run(utc(2024, 4, 3), vm())
    assert site.months() == {"2024-03": 31 * DAY, "2024-04": 2 * DAY}

    site.run(utc(2024, 4, 4), ended(vm(), utc(2024, 3, 20), known=utc(2024, 4, 3, 12)))

    assert site.months() == {"2024-03": 19 * DAY, "2024-04": 0}
    assert (site.row(3)["Status"], site.row(4)["Status"]) == ("completed", "started")


def test_months_that_extracting_the_past_takes_away_book_nothing_with_that_very_run(site):
    site.run(utc(2024, 3, 31), vm())
    site.run(utc(2024, 4, 30), vm())
    site.run(utc(2024, 5, 3), vm())
    truly = ended(vm(), utc(2024, 3, 20))

    site.run(utc(2024, 5, 4), truly, period=Period(now=utc(2024, 5, 4), until=utc(2024, 5, 4), since=utc(2024, 3, 1)))

    assert site.months() == {"2024-03": 19 * DAY, "2024-04": 0, "2024-05": 0}
    site.run(utc(2024, 5, 5), truly)
    assert site.months() == {"2024-03": 19 * DAY, "2024-04": 0, "2024-05": 0}


def test_accelerators_of_a_month_that_better_knowledge_takes_away_are_zero_seconds(site):
    row, nova = vm(), {"nova": {"flavors": {"with-2": GPU}}}
    site.run(utc(2024, 3, 31), row, **nova)
    site.run(utc(2024, 4, 3), row, **nova)
    site.run(utc(2024, 4, 4), ended(row, utc(2024, 3, 20), known=utc(2024, 4, 3, 12)), **nova)

    site.cloudlet.received()
    seconds = {month: site.cloudlet.recipient.accelerator_seconds(Month(2024, month)) for month in (3, 4)}
    assert seconds == {3: {"NVIDIA A100": 19 * DAY}, 4: {"NVIDIA A100": 0}}


def test_the_accelerators_of_a_month_stay_where_the_past_is_extracted_from_the_next_one_on(site):
    """keep_months let go of the month's cloud record, and kept that of the accelerator: it is the newest that there is."""
    nova = {"nova": {"flavors": {"with-2": GPU}}}
    without = vm(vcpus=4, updated="2024-03-31T12:00:00Z")
    site.run(utc(2024, 3, 31), vm(), **nova)
    for at in (utc(2024, 4, 2), utc(2025, 6, 3)):
        site.run(at, without, **nova)

    again = Period(now=utc(2025, 6, 4), until=utc(2024, 6, 1), since=utc(2024, 4, 1), past=True)
    site.run(utc(2025, 6, 4), without, period=again, **nova)

    site.cloudlet.received()
    assert site.cloudlet.recipient.accelerator_seconds(Month(2024, 3)) == {"NVIDIA A100": 30.5 * DAY}
    assert site.row(4)["CpuDuration"] - site.row(3)["CpuDuration"] == 30 * DAY * 4


@pytest.mark.parametrize(
    ("record", "nothing"),
    [
        (an_accelerator_record(), {"available_seconds": 0}),
        (an_ip_record(), {"ip_count": 0}),
        (a_storage_record(), {"size_bytes": 0}),
        (
            an_energy_record(suspend_seconds=1),
            {"energy_wh": 0.0, "coverage": 0.0, "wall_seconds": 0, "suspend_seconds": 0, "cpu_seconds": 0},
        ),
        (
            a_cloud_record(network_inbound_gib=3),
            {"wall_seconds": 0, "cpu_seconds": 0, "suspend_seconds": 0, "network_inbound_gib": None},
        ),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_what_is_taken_back_keeps_its_key_and_all_but_its_use(tmp_path, record, nothing):
    with open_store(f"sqlite:///{tmp_path}/caso.sqlite") as store:
        store.ledger.configure({"ours": Subscription()}, NOW)
        put(store, about(record, record))
        store.ledger.accept("ours", store.ledger.due("ours", 10), NOW)
        put(store, about(record))
        (held,) = store.ledger.due("ours", 10)

    assert held.retracted
    assert held.key == record.key
    assert held.record.content() == record.content() | nothing


def about(one, *records):
    """All that is to be said of what ``one`` is a record of."""
    return dataclasses.replace(a_statement(*records), kinds=frozenset({one.kind}), place=HERE)


# The past again


def test_republishing_the_past_gives_the_recipient_what_it_has_and_sends_nothing(site):
    for at in (utc(2024, 3, 10), utc(2024, 4, 5), utc(2024, 5, 5)):
        site.run(at, vm())
    before, marks = site.months(), site.cloudlet.checkpoints()
    past = Period(now=utc(2024, 5, 6), until=utc(2024, 5, 1), since=utc(2024, 3, 1), past=True)

    report = site.run(utc(2024, 5, 6), vm(), period=past)

    assert [delivery.sent for delivery in report.deliveries] == [0]
    assert (site.months(), site.cloudlet.checkpoints()) == (before, marks)


def test_republishing_half_a_month_makes_it_whole_or_up_to_the_checkpoint(site):
    for at in (utc(2024, 3, 10), utc(2024, 4, 5)):
        site.run(at, vm())
    before = site.months()
    for until in (utc(2024, 3, 15), utc(2024, 4, 2)):
        past = Period(now=utc(2024, 4, 6), until=until, since=utc(2024, 3, 1), past=True)
        site.run(utc(2024, 4, 6), vm(), period=past)

    assert site.months() == before == {"2024-03": 31 * DAY, "2024-04": 4 * DAY}


def test_a_part_of_a_month_that_was_never_extracted_is_made_whole_too(site):
    past = Period(now=utc(2024, 5, 6), until=utc(2024, 4, 15), since=utc(2024, 4, 1), past=True)
    site.run(utc(2024, 5, 6), vm(), period=past)

    assert site.months()["2024-04"] == 30 * DAY
    assert site.cloudlet.checkpoints() == []


def test_suspended_time_costs_nothing_once_it_was_seen(site):
    site.run(utc(2024, 3, 5), vm())
    site.run(utc(2024, 3, 11), vm(status="SUSPENDED", updated="2024-03-06T00:00:00Z"))

    row = site.row(3)
    assert (row["WallDuration"], row["SuspendDuration"], row["CpuDuration"]) == (5 * DAY, 5 * DAY, 10 * DAY)


def test_the_time_of_a_record_is_that_of_its_values_never_that_of_the_run(site):
    until = utc(2024, 3, 10)
    site.run(utc(2024, 3, 10, 5), vm(), period=Period(now=utc(2024, 3, 10, 5), until=until, past=True))

    row = site.row(3)
    assert row["RecordCreateTime"] == until
    assert row["StartTime"] + timedelta(seconds=row["WallDuration"]) == until
