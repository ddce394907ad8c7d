import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caso.errors import RejectedError
from caso.records import Status
from caso.testing.records import an_energy_record
from caso.wire.cim import energy_message
from tests.unit.wire.golden import carried, check_golden, texts

TEXTS = ("vm_uuid", "vo", "site_name", "service_name", "cloud_type", "user_name")

GOLDEN = [
    an_energy_record(cpu_seconds=43200.75, cpu_normalization_factor=2.03),
    an_energy_record(
        vm_uuid="0a1b2c3d-0000-4000-8000-000000000002",
        vo='/vo.example.org/名前 "<&',
        status=Status.COMPLETED,
        finished=True,
        end=datetime(2024, 2, 10, 12, 0, 0, 999999, tzinfo=UTC),
        energy_wh=0.0,
        suspend_seconds=600,
    ),
    an_energy_record(vm_uuid="0a1b2c3d-0000-4000-8000-000000000003", wall_seconds=0, energy_wh=0.1 + 0.2),
]


def sent(*records):
    return json.loads(energy_message(records))


def test_the_message_is_that_of_the_golden_file_whatever_the_hosts_zone(host_zone):
    check_golden("energy.json", energy_message(GOLDEN))


def test_a_record_has_the_sixteen_names_and_no_other():
    (members,) = sent(an_energy_record())

    assert list(members) == sorted(
        [
            "ExecUnitID",
            "StartExecTime",
            "EndExecTime",
            "EnergyWh",
            "Work",
            "Efficiency",
            "WallClockTime_s",
            "CpuDuration_s",
            "SuspendDuration_s",
            "CPUNormalizationFactor",
            "ExecUnitFinished",
            "Status",
            "Owner",
            "SiteName",
            "CloudType",
            "CloudComputeService",
        ]
    )


def test_times_are_utc_with_a_z_seconds_are_whole_and_the_end_of_a_life_is_one():
    _, ended, _ = sent(*GOLDEN)

    assert (ended["StartExecTime"], ended["EndExecTime"]) == ("2024-02-10T00:00:00Z", "2024-02-10T12:00:00Z")
    assert (ended["ExecUnitFinished"], ended["Status"]) == (1, "completed")
    assert type(ended["ExecUnitFinished"]) is int
    assert sent(*GOLDEN)[0]["CpuDuration_s"] == 43200


def test_what_cannot_be_computed_is_left_out():
    _, without_energy, without_time = sent(*GOLDEN)

    assert "Work" not in without_energy
    assert "Efficiency" not in without_time
    assert without_energy["EnergyWh"] == 0


def test_nothing_is_an_empty_list():
    assert sent() == []


BAD = [
    (an_energy_record(energy_wh=math.nan), "EnergyWh nan: it is negative or no number"),
    (an_energy_record(energy_wh=-0.5), "EnergyWh -0.5: it is negative or no number"),
    (an_energy_record(energy_wh=math.inf), "EnergyWh inf: it is negative or no number"),
    (an_energy_record(cpu_seconds=-1), "CpuDuration_s -1: it is not between 0 and"),
    (an_energy_record(wall_seconds=-1, cpu_count=0), "WallClockTime_s -1: it is not between 0 and"),
    (an_energy_record(suspend_seconds=-1), "SuspendDuration_s -1: it is not between 0 and"),
    (an_energy_record(cpu_normalization_factor=math.nan), "CPUNormalizationFactor nan: it is negative or no number"),
    (an_energy_record(vo=" "), "Owner ' ': it is empty, and the recipient needs it"),
    (an_energy_record(vm_uuid="null"), "ExecUnitID 'null': it is a key"),
    (
        an_energy_record(vm_uuid="bad", end=datetime(2024, 2, 9, tzinfo=UTC), measured_at=datetime(2024, 2, 10, tzinfo=UTC)),
        "EndExecTime",
    ),
]


@pytest.mark.parametrize(("bad", "reason"), BAD)
def test_what_cannot_be_meant_is_refused_by_its_key_and_takes_no_neighbour_with_it(bad, reason):
    good = an_energy_record(vm_uuid="good")

    with pytest.raises(RejectedError) as refused:
        energy_message([good, bad])

    assert list(refused.value.reasons) == [bad.key]
    assert f"CIM cannot take {reason}" in refused.value.reasons[bad.key]
    assert energy_message([good])


ANY_NUMBER = st.floats() | st.integers(-(2**70), 2**70)


@given(
    st.lists(
        st.tuples(
            texts(TEXTS), st.fixed_dictionaries({}, optional=dict.fromkeys(("energy_wh", "cpu_seconds", "cpu_count"), ANY_NUMBER))
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_record_of_any_text_and_number_is_refused_or_is_json_under_its_own_name(changes):
    records = [an_energy_record(wall_seconds=60, **({"cpu_seconds": 1} | words | numbers)) for words, numbers in changes]

    left, message = carried(energy_message, records)

    found = json.loads(message or b"[]", parse_constant=pytest.fail)
    assert [members["ExecUnitID"] for members in found] == [record.vm_uuid for record in left]
    assert all(value >= 0 for members in found for value in members.values() if not isinstance(value, str))
