"""What meters told, in records that add up over a life."""

import dataclasses
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from caso.accounting.rules import Rules
from caso.accounting.servers import cloud_record, never_shrinking, readings
from caso.lifecycle.measured import CPU, NETWORK_INBOUND, NOTHING, Metered, Total
from caso.lifecycle.server import observe
from caso.testing.entities import SMALL, seen_server
from caso.window import Month

RULES = Rules("SITE", "SERVICE", "OpenStack")
CREATED = datetime(2024, 1, 20, tzinfo=UTC)
JANUARY, FEBRUARY, MARCH = (Month(2024, number) for number in (1, 2, 3))
UNTIL = datetime(2024, 3, 20, tzinfo=UTC)
VCPUS = 2
DAY = timedelta(days=1)


def records(metered=NOTHING):
    """The records of January, February and March."""
    known = observe(None, seen_server(at=UNTIL, created=CREATED, flavor=dataclasses.replace(SMALL, vcpus=VCPUS)))
    asked = readings(known, CREATED, UNTIL, {known.project_id: "vo"})
    made = [cloud_record(reading, RULES, metered=metered) for reading in asked]
    assert [record.month for record in made] == [JANUARY, FEBRUARY, MARCH]
    return made


def allotted(start, end):
    return (end - start).total_seconds() * VCPUS


def test_up_to_the_first_measure_what_was_allotted_counts_and_after_it_what_was_measured():
    since = datetime(2024, 2, 10, tzinfo=UTC)
    metered = Metered({CPU: [Total(FEBRUARY, since, 1000.0), Total(MARCH, MARCH.start, 500.0)]})

    january, february, march = records(metered)

    assert january.cpu_seconds == allotted(CREATED, JANUARY.end)
    assert february.cpu_seconds == allotted(CREATED, since) + 1000
    assert march.cpu_seconds == allotted(CREATED, since) + 1500


def test_where_measures_are_missing_the_value_stays_as_it_was():
    metered = Metered({CPU: [Total(JANUARY, CREATED + DAY, 70.0)], NETWORK_INBOUND: [Total(JANUARY, CREATED, 5.5 * 2**30)]})

    january, february, march = records(metered)

    assert january.cpu_seconds == february.cpu_seconds == march.cpu_seconds == allotted(CREATED, CREATED + DAY) + 70
    assert january.network_inbound_gib == february.network_inbound_gib == march.network_inbound_gib == 5


def test_a_month_without_measures_books_nothing_twice():
    metered = Metered({CPU: [Total(JANUARY, CREATED, 70.0), Total(MARCH, MARCH.start, 30.0)]})

    values = [record.cpu_seconds for record in records(metered)]

    assert [after - before for before, after in pairwise([0, *values])] == [70, 0, 30]


def test_nothing_is_measured_before_the_first_measure():
    metered = Metered({CPU: [Total(MARCH, MARCH.start + DAY, 30.0)], NETWORK_INBOUND: [Total(MARCH, MARCH.start, 2.0**31)]})

    measured, without = records(metered), records()

    assert [record.cpu_seconds for record in measured[:2]] == [record.cpu_seconds for record in without[:2]]
    assert [record.network_inbound_gib for record in measured] == [None, None, 2]
    assert [record.network_outbound_gib for record in measured] == [None, None, None]


def test_late_measures_of_an_earlier_month_are_in_its_record_and_in_those_after_it():
    before = Metered({CPU: [Total(JANUARY, CREATED, 70.0), Total(MARCH, MARCH.start, 30.0)]})
    after = Metered({CPU: [Total(JANUARY, CREATED, 70.0), Total(FEBRUARY, FEBRUARY.start, 9.0), Total(MARCH, MARCH.start, 30.0)]})

    added = [now.cpu_seconds - then.cpu_seconds for then, now in zip(records(before), records(after), strict=True)]

    assert added == [0, 9, 9]


@given(
    told=st.dictionaries(st.sampled_from([JANUARY, FEBRUARY, MARCH]), st.floats(0, 1e6)),
    late=st.integers(0, 11),
)
def test_cpu_time_never_falls_and_walls_are_those_without_meters(told, late):
    totals = [Total(month, max(month.start, CREATED) + late * DAY, amount) for month, amount in sorted(told.items())]

    measured, without = records(Metered({CPU: totals})), records()

    values = [record.cpu_seconds for record in measured]
    assert values == sorted(values)
    assert [record.wall_seconds for record in measured] == [record.wall_seconds for record in without]
    assert all(never_shrinking(after, before) == after for before, after in pairwise(measured))
