import dataclasses
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caso.errors import RejectedError
from caso.records import Record, Status
from caso.testing.records import a_cloud_record, a_storage_record, an_accelerator_record, an_energy_record, an_ip_record
from caso.wire import values
from caso.wire.jsonlines import lines
from tests.unit.wire.golden import carried, check_golden, texts

ODD = 'Übung 名前 \U0001f600 a%%b\n"VMUUID": forged\x00\u2028'
ALL = [
    a_cloud_record(machine_name=ODD, user_name="null", benchmark_name="HEPSPEC06", benchmark_value=11.4567),
    a_cloud_record(vm_uuid="ended", status=Status.COMPLETED, user_id=None),
    an_accelerator_record(count=0.33333),
    an_ip_record(),
    a_storage_record(vo="/vo.example.org/students/Role=admin", user_name=None),
    an_energy_record(coverage=0.5, finished=True, end=datetime(2024, 2, 10, 12, tzinfo=UTC)),
]


@dataclasses.dataclass(frozen=True, kw_only=True)
class MachineRecord(Record):
    """Somebody else's kind."""

    kind = "machine"

    name: str
    more: Any = None

    @property
    def key(self):
        return f"{self.kind}/{self.name}"

    def neutral(self, before):
        return self


def a_machine(**changes):
    instant = datetime(2024, 2, 11, tzinfo=UTC)
    return MachineRecord(**{"measured_at": instant, "known_at": instant, "name": "m", **changes})


def parsed(*records):
    return [json.loads(line) for line in lines(records).decode("ascii").split("\n")[:-1]]


def test_the_lines_are_those_of_the_golden_file_whatever_the_hosts_zone(host_zone):
    check_golden("records.jsonl", lines(ALL))


def test_each_line_says_its_key_its_type_its_version_and_when_it_was_measured():
    said = [tuple(line[name] for name in ("RecordKey", "RecordType", "RecordVersion", "@timestamp")) for line in parsed(*ALL)]

    versions = {"cloud": "0.4", "accelerator": "0.1", "ip": "0.2", "storage": "2011/02", "energy": "0.1"}
    assert said == [(record.key, record.kind, versions[record.kind], values.iso(record.measured_at)) for record in ALL]
    assert {when for *_, when in said} == {"2024-02-11T00:00:00Z", "2024-02-10T12:00:00Z"}


def test_names_are_apels_and_texts_keep_every_letter():
    cloud, _, accelerator, ip, storage, _ = parsed(*ALL)

    assert (cloud["VMUUID"], cloud["SiteName"], cloud["WallDuration"]) == (ALL[0].vm_uuid, "TEST-SITE", 864000)
    assert (cloud["MachineName"], cloud["GlobalUserName"]) == (ODD, "null")
    assert (accelerator["Model"], accelerator["Count"], accelerator["MeasurementMonth"]) == ("NVIDIA A100", 0.33333, 2)
    assert (ip["IPVersion"], ip["IPCount"], ip["LocalGroup"]) == (4, 3, ALL[3].project_id)
    assert (storage["recordId"], storage["ResourceCapacityUsed"]) == (ALL[4].record_id, 10 * 2**30)
    assert (storage["Group"], storage["SubGroup"], storage["Role"]) == ("vo.example.org", "students", "admin")


def test_energy_comes_under_the_names_of_greendigit_and_with_what_that_has_no_name_for():
    energy = parsed(*ALL)[-1]

    assert (energy["ExecUnitID"], energy["EnergyWh"], energy["Work"]) == (ALL[-1].vm_uuid, 960, 90)
    assert (energy["Slot"], energy["Coverage"], energy["CpuCount"]) == ("2024-02-10", 0.5, 2)
    assert (energy["GlobalUserName"], energy["LocalGroupId"]) == ("alice", ALL[-1].project_id)
    assert "Work" not in parsed(an_energy_record(energy_wh=0.0))[0]


def test_what_a_record_does_not_have_is_left_out():
    _, ended, *_ = parsed(*ALL)

    assert ended["EndTime"] == "2024-02-11T00:00:00Z"
    assert None not in ended.values()
    assert "LocalUserId" not in ended
    assert "EndTime" not in parsed(a_cloud_record())[0]


def test_a_kind_that_apel_does_not_have_comes_under_its_own_names():
    (line,) = parsed(a_machine(more={"seen": [datetime(2024, 2, 1, tzinfo=UTC), 1, "名"], "RecordKey": "forged"}))

    assert line == {
        "@timestamp": "2024-02-11T00:00:00Z",
        "RecordKey": "machine/m",
        "RecordType": "machine",
        "measured_at": "2024-02-11T00:00:00+00:00",
        "more": {"seen": ["2024-02-01T00:00:00Z", 1, "名"], "RecordKey": "forged"},
        "name": "m",
    }


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (a_cloud_record(vm_uuid="\udc80"), "RecordKey .* half of a surrogate pair"),
        (a_cloud_record(benchmark_value=float("nan")), "Benchmark nan: it is no number"),
        (a_machine(more={"a": float("inf")}), "more .* it is no number"),
        (a_machine(more=object()), "it is or holds a object"),
        (a_cloud_record(start=datetime(2024, 2, 1), wall_seconds=1, cpu_seconds=1), "StartTime .* no time zone"),  # noqa: DTZ001
    ],
)
def test_a_record_that_json_cannot_carry_is_refused_by_its_key_and_takes_no_neighbour_with_it(bad, reason):
    with pytest.raises(RejectedError) as refused:
        lines([a_cloud_record(vm_uuid="good"), bad])

    assert list(refused.value.reasons) == [bad.key]
    assert re.search(reason, refused.value.reasons[bad.key])


@given(st.lists(texts(("vm_uuid", "machine_name", "user_name", "vo", "site_name")), min_size=1, max_size=4))
def test_a_record_of_any_text_at_all_is_refused_or_is_one_line_under_its_key(changes):
    records, message = carried(lines, [a_cloud_record(**texts) for texts in changes])

    found = [json.loads(line) for line in (message or b"").splitlines()]

    assert [line["RecordKey"] for line in found] == [record.key for record in records]
    # Half of a surrogate pair is no letter; everything else arrives as it was.
    assert [line["VMUUID"] for line in found] == [record.vm_uuid for record in records]
