import json
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caso.errors import RejectedError
from caso.records import AcceleratorType, Status
from caso.testing.recipient import Recipient, parse
from caso.testing.records import a_cloud_record, an_accelerator_record, an_ip_record
from caso.wire.apel import accelerator_message, cloud_message, ip_message
from tests.unit.wire.golden import carried, check_golden, texts

ACCELERATOR_TEXTS = ("service_name", "cloud_type", "user_name", "project_id", "vo")
CLOUD_TEXTS = (*ACCELERATOR_TEXTS, "machine_name", "user_id", "image_id", "benchmark_name")

GOLDEN_CLOUD = [
    a_cloud_record(
        machine_name="Übung 名前 a%%b\nVMUUID: forged",
        user_name=None,
        network_inbound_gib=3,
        network_outbound_gib=0,
        public_ip_count=1,
        benchmark_name="HEPSPEC06",
        benchmark_value=11.4567,
    ),
    a_cloud_record(
        vm_uuid="0a1b2c3d-0000-4000-8000-000000000002",
        status=Status.COMPLETED,
        start=datetime(2023, 12, 31, 12, tzinfo=UTC),
        measured_at=datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC),
        suspend_seconds=60,
        cpu_count=0.5,
        machine_name=None,
        user_id=None,
        memory_mib=None,
        disk_gib=None,
        image_id=None,
    ),
]
GOLDEN_ACCELERATORS = [
    an_accelerator_record(user_name="José 名前", vo="None", model="NVIDIA Ü100"),
    an_accelerator_record(user_name=None, type=AcceleratorType.OTHER, count=0.33333, available_seconds=0),
]

GOLDEN_ADDRESSES = [
    an_ip_record(cloud_type="caso \x85 名前", vo="null", site_name="Sítio"),
    an_ip_record(ip_version=6, ip_count=0, measured_at=datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)),
]


def test_the_cloud_message_is_that_of_the_golden_file_whatever_the_hosts_zone(host_zone):
    check_golden("cloud-v0.4.txt", cloud_message(GOLDEN_CLOUD))


def test_the_accelerator_message_is_that_of_the_golden_file_whatever_the_hosts_zone(host_zone):
    check_golden("accelerator-v0.1.json", accelerator_message(GOLDEN_ACCELERATORS))


def test_the_ip_message_is_that_of_the_golden_file_whatever_the_hosts_zone(host_zone):
    check_golden("ip-v0.2.json", ip_message(GOLDEN_ADDRESSES))


def test_the_golden_files_load_under_the_keys_of_the_records():
    cloud, accelerators = parse(cloud_message(GOLDEN_CLOUD)), parse(accelerator_message(GOLDEN_ACCELERATORS))

    assert cloud[0] == "cloud"
    assert list(cloud[1]) == [(record.vm_uuid, 2, 2024) for record in GOLDEN_CLOUD]
    assert accelerators[0] == "accelerator"
    assert [key[-1] for key in accelerators[1]] == ["NVIDIA Ü100", "NVIDIA A100"]
    kind, addresses = parse(ip_message(GOLDEN_ADDRESSES))
    assert kind == "ip"
    project = GOLDEN_ADDRESSES[0].project_id
    assert list(addresses) == [("Sítio", "test-cloud", project, 4, 2, 2024), ("TEST-SITE", "test-cloud", project, 6, 2, 2024)]


def test_a_running_server_has_no_end_and_the_time_of_its_reading():
    ((_, row),) = parse(cloud_message([a_cloud_record()]))[1].items()

    assert row["EndTime"] is None
    assert row["RecordCreateTime"] == datetime(2024, 2, 11, tzinfo=UTC)


def test_a_reading_in_the_last_second_of_a_month_stays_in_it_whatever_zone_it_was_told_in():
    tokyo = timezone(timedelta(hours=9))
    record = a_cloud_record(measured_at=datetime(2024, 3, 1, 8, 59, 59, 999999, tzinfo=tokyo))

    assert list(parse(cloud_message([record]))[1]) == [(record.vm_uuid, 2, 2024)]
    assert record.key.endswith("/2024-02")


def test_cumulative_records_of_two_months_book_the_difference():
    recipient = Recipient()
    months = [datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC), datetime(2024, 3, 31, 23, 59, 59, tzinfo=UTC)]
    records = [a_cloud_record(measured_at=measured_at) for measured_at in months]

    recipient.receive(cloud_message(records))

    assert recipient.cloud_usage(records[1].month)[records[1].vm_uuid]["WallDuration"] == 31 * 86400


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"vm_uuid": "a%%b"}, "VMUUID 'a%%b': it is a key"),
        ({"vm_uuid": "名前"}, "VMUUID .* not ASCII"),
        ({"site_name": "null"}, "SiteName 'null': it is a key"),
        ({"vo": " "}, "FQAN ' ': it is empty"),
        ({"start": datetime(2024, 2, 1)}, "StartTime .* carries no time zone"),  # noqa: DTZ001
        ({"start": datetime(1969, 2, 1, tzinfo=UTC)}, "StartTime"),
        ({"wall_seconds": -1}, "WallDuration -1: it is not between"),
        ({"cpu_count": float("nan")}, "CpuCount nan"),
        ({"cpu_count": 1e7}, "CpuCount"),
        ({"benchmark_value": -1e7}, "Benchmark"),
        ({"public_ip_count": 2**31}, "PublicIPCount"),
        ({"status": Status.COMPLETED, "end": datetime(2024, 3, 1, tzinfo=UTC)}, "EndTime 2024-03-01T00:00:00Z is not in 2024-02"),
    ],
)
def test_a_cloud_record_that_cannot_be_carried_is_refused_by_its_key_and_takes_no_neighbour_with_it(changes, reason):
    bad = a_cloud_record(**({"wall_seconds": 1, "cpu_seconds": 1} | changes))

    with pytest.raises(RejectedError) as refused:
        cloud_message([a_cloud_record(vm_uuid="good"), bad])

    assert list(refused.value.reasons) == [bad.key]
    assert re.search(reason, refused.value.reasons[bad.key])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"vm_uuid": "a\nb"}, r"AssociatedRecord 'a\\nb': it is a key"),
        ({"model": "none"}, "Model 'none': it is a key"),
        ({"model": "x" * 256}, "longer than 255"),
        ({"vo": ""}, "FQAN ''"),
        ({"type": "gpu"}, "Type 'gpu': it is none of GPU, FPGA, Other"),
        ({"count": -1}, "Count -1"),
        ({"available_seconds": 2**31}, "AvailableDuration"),
        ({"measured_at": datetime(1999, 12, 31, tzinfo=UTC)}, "MeasurementYear 1999"),
    ],
)
def test_an_accelerator_record_that_cannot_be_carried_is_refused_by_its_key(changes, reason):
    bad = an_accelerator_record(**changes)

    with pytest.raises(RejectedError) as refused:
        accelerator_message([an_accelerator_record(vm_uuid="good"), bad])

    assert list(refused.value.reasons) == [bad.key]
    assert re.search(reason, refused.value.reasons[bad.key])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"project_id": "none"}, "GlobalUserName 'none': it is a key"),
        ({"project_id": "a\tb"}, "GlobalUserName"),
        ({"service_name": "x" * 256}, "CloudComputeService .* longer than 255"),
        ({"site_name": " "}, "SiteName ' ': it is a key"),
        ({"vo": "\x00"}, "FQAN"),
        ({"cloud_type": ""}, "CloudType '': it is empty"),
        ({"ip_version": 5}, "IPVersion 5: it is neither 4 nor 6"),
        ({"ip_count": -1}, "IPCount -1: it is not between"),
        ({"ip_count": 2**31}, "IPCount"),
    ],
)
def test_an_ip_record_that_cannot_be_carried_is_refused_by_its_key(changes, reason):
    bad = an_ip_record(**changes)

    with pytest.raises(RejectedError) as refused:
        ip_message([an_ip_record(site_name="GOOD"), bad])

    assert list(refused.value.reasons) == [bad.key]
    assert re.search(reason, refused.value.reasons[bad.key])


def test_two_projects_of_one_vo_and_both_ip_versions_are_rows_of_their_own():
    records = [an_ip_record(project_id=project, ip_version=version) for project in "ab" for version in (4, 6)]
    recipient = Recipient()

    recipient.receive(ip_message(records))

    assert recipient.ip_level(records[0].month) == {(project, version): 3 for project in "ab" for version in (4, 6)}


def test_every_record_that_cannot_be_carried_is_named_at_once():
    bad = [a_cloud_record(vm_uuid=vm_uuid) for vm_uuid in ("a%%b", "null")]

    with pytest.raises(RejectedError) as refused:
        cloud_message([bad[0], a_cloud_record(), bad[1]])

    assert set(refused.value.reasons) == {record.key for record in bad}


def test_json_carries_a_key_that_would_look_encrypted():
    record = an_accelerator_record(model="application/pkcs7-mime", user_name="\\application/x-pkcs7-mime")

    message = accelerator_message([record])

    ((key, row),) = parse(message)[1].items()
    assert key[-1] == record.model
    assert row["GlobalUserName"] == record.user_name
    assert json.loads(message)["UsageRecords"][0]["Model"] == record.model


@given(st.lists(texts(CLOUD_TEXTS), min_size=1, max_size=4))
def test_no_text_of_a_cloud_record_can_break_its_neighbours(changes):
    # given: a VO of nothing but blanks is refused, which has its own test
    records = [
        a_cloud_record(vm_uuid=f"vm-{number}", **{**texts, "vo": "vo " + texts.get("vo", "")})
        for number, texts in enumerate(changes)
    ]

    rows = parse(cloud_message(records))[1]

    assert list(rows) == [(record.vm_uuid, 2, 2024) for record in records]
    assert [row["WallDuration"] for row in rows.values()] == [record.wall_seconds for record in records]


@given(st.lists(texts(ACCELERATOR_TEXTS), min_size=1, max_size=4))
def test_no_text_of_an_accelerator_record_can_break_its_neighbours(changes):
    records = [
        an_accelerator_record(vm_uuid=f"vm-{number}", **{**texts, "vo": "vo " + texts.get("vo", "")})
        for number, texts in enumerate(changes)
    ]

    rows = parse(accelerator_message(records))[1]

    assert list(rows) == [(2, 2024, "cloud", record.vm_uuid, "TEST-SITE", record.model) for record in records]


@given(st.lists(texts(("vm_uuid", "site_name", *CLOUD_TEXTS)), min_size=1, max_size=4))
def test_a_cloud_record_of_any_text_at_all_is_refused_or_arrives_under_its_key(changes):
    records, message = carried(cloud_message, [a_cloud_record(**texts) for texts in changes])

    rows = parse(message)[1] if message else {}

    assert set(rows) == {(record.vm_uuid, 2, 2024) for record in records}


@given(st.lists(texts(("vm_uuid", "site_name", "model", *ACCELERATOR_TEXTS)), min_size=1, max_size=4))
def test_an_accelerator_record_of_any_text_at_all_is_refused_or_arrives_under_its_key(changes):
    records, message = carried(accelerator_message, [an_accelerator_record(**texts) for texts in changes])

    rows = parse(message)[1] if message else {}

    assert set(rows) == {(2, 2024, "cloud", record.vm_uuid, record.site_name, record.model) for record in records}


@given(st.lists(texts(("site_name", "service_name", "project_id", "vo", "cloud_type")), min_size=1, max_size=4))
def test_an_ip_record_of_any_text_at_all_is_refused_or_arrives_under_its_key(changes):
    records, message = carried(ip_message, [an_ip_record(**texts) for texts in changes])

    rows = parse(message)[1] if message else {}

    assert set(rows) == {(record.site_name, record.service_name, record.project_id, 4, 2, 2024) for record in records}
