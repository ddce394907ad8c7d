import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caso.errors import RejectedError
from caso.testing.recipient import Recipient, parse
from caso.testing.records import a_storage_record
from caso.wire.star import groups_of, storage_message
from tests.unit.wire.golden import carried, check_golden, texts

TEXTS = ("service_name", "user_id", "user_name", "project_id", "vo", "volume_type")

GOLDEN = [
    a_storage_record(user_name='José 名前 <&"]]>', vo="/vo.example.org/students/Role=admin/Capability=NULL", volume_type="null"),
    a_storage_record(
        volume_id="0a1b2c3d-0000-4000-8000-000000000002",
        sequence=2,
        user_id=None,
        user_name=None,
        volume_type=None,
        start=datetime(2024, 2, 10, 12, 0, 0, 999999, tzinfo=UTC),
        measured_at=datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC),
        size_bytes=0,
    ),
]


def row_of(**changes):
    ((_, row),) = parse(storage_message([a_storage_record(**changes)]))[1].items()
    return row


def test_the_storage_message_is_that_of_the_golden_file_whatever_the_hosts_zone(host_zone):
    check_golden("storage.xml", storage_message(GOLDEN))


def test_the_golden_file_loads_under_the_ids_of_the_records():
    kind, rows = parse(storage_message(GOLDEN))

    assert kind == "storage"
    assert list(rows) == [(record.record_id,) for record in GOLDEN]
    assert rows[GOLDEN[0].record_id,]["UserIdentity"] == GOLDEN[0].user_name


def test_a_stretch_is_told_with_its_times_its_owner_and_its_bytes():
    tokyo = timezone(timedelta(hours=9))
    row = row_of(measured_at=datetime(2024, 2, 11, 9, tzinfo=tokyo))

    assert row["StartTime"] == datetime(2024, 2, 1, tzinfo=UTC)
    assert row["EndTime"] == row["CreateTime"] == datetime(2024, 2, 11, tzinfo=UTC)
    assert row["ResourceCapacityUsed"] == row["ResourceCapacityAllocated"] == 10 * 2**30
    named = ("Site", "StorageSystem", "StorageClass", "LocalUser", "LocalGroup", "UserIdentity", "Group")
    record = a_storage_record()
    assert [row[name] for name in named] == [
        "TEST-SITE",
        "test-cloud",
        "standard",
        record.user_id,
        record.project_id,
        "alice",
        "vo.example.org",
    ]


def test_months_and_stretches_of_one_volume_are_rows_of_their_own_and_the_same_again_replaces_its_own():
    january = datetime(2024, 1, 31, 23, 59, 59, tzinfo=UTC)
    records = [a_storage_record(measured_at=january), a_storage_record(), a_storage_record(sequence=2)]
    recipient = Recipient()

    recipient.receive(storage_message(records))
    recipient.receive(storage_message([a_storage_record(size_bytes=7)]))

    assert [row["ResourceCapacityUsed"] for row in recipient.storage().values()] == [10 * 2**30, 7, 10 * 2**30]


@pytest.mark.parametrize(
    ("fqan", "groups"),
    [
        ("vo.example.org", ("vo.example.org", None, None)),
        ("/vo.example.org", ("vo.example.org", None, None)),
        ("/vo/a/b", ("vo", "a/b", None)),
        ("/vo/Role=x", ("vo", None, "x")),
        ("/vo/a/Role=NULL/Capability=NULL", ("vo", "a", None)),
        ("/vo/a;b", ("vo", "a", None)),
        ("vo/a", ("vo/a", None, None)),
        ("/Role=x", ("/Role=x", None, None)),
    ],
)
def test_an_fqan_is_a_group_and_its_attributes_where_it_has_them(fqan, groups):
    row = row_of(vo=fqan)

    assert (row["Group"], row["SubGroup"], row["Role"]) == groups


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"volume_id": "a\nb"}, r"recordId 'a\\nb/2024-02/1': it is a key"),
        ({"volume_id": "x" * 250}, "longer than 255"),
        ({"volume_id": "\uffff"}, "control characters"),
        ({"site_name": "null"}, "Site 'null': it is a key"),
        ({"service_name": ""}, "StorageSystem '': it is empty"),
        ({"vo": "\x00"}, "Group"),
        ({"start": datetime(2024, 2, 1)}, "StartTime .* carries no time zone"),  # noqa: DTZ001
        ({"size_bytes": -1}, "ResourceCapacity.* -1: it is not between"),
        ({"size_bytes": 2**63}, "ResourceCapacity"),
    ],
)
def test_a_storage_record_that_cannot_be_carried_is_refused_by_its_key(changes, reason):
    bad = a_storage_record(**changes)

    with pytest.raises(RejectedError) as refused:
        storage_message([a_storage_record(volume_id="good"), bad])

    assert list(refused.value.reasons) == [bad.key]
    assert re.search(reason, refused.value.reasons[bad.key])


def test_xml_carries_a_key_that_would_look_encrypted():
    record = a_storage_record(volume_id="application/pkcs7-mime", user_name="application/x-pkcs7-mime")

    ((key, row),) = parse(storage_message([record]))[1].items()

    assert (key, row["UserIdentity"]) == ((record.record_id,), record.user_name)


def test_a_long_text_is_cut_and_a_control_character_is_a_blank():
    row = row_of(user_name="x" * 300, volume_type="fast\x00\ufffe\udc80 disk")

    assert row["UserIdentity"] == "x" * 255
    assert row["StorageClass"] == "fast  disk"


@given(st.lists(texts(TEXTS), min_size=1, max_size=4))
def test_no_text_of_a_storage_record_can_break_its_neighbours(changes):
    safe = [
        {**texts, "vo": "vo " + texts.get("vo", ""), "service_name": "s" + texts.get("service_name", "")} for texts in changes
    ]
    records = [a_storage_record(volume_id=f"volume-{number}", **texts) for number, texts in enumerate(safe)]

    rows = parse(storage_message(records))[1]

    assert list(rows) == [(record.record_id,) for record in records]
    assert {row["ResourceCapacityUsed"] for row in rows.values()} == {10 * 2**30}


@given(st.lists(texts(("volume_id", "site_name", *TEXTS)), min_size=1, max_size=4))
def test_a_storage_record_of_any_text_at_all_is_refused_or_arrives_under_its_id(changes):
    records, message = carried(storage_message, [a_storage_record(**texts) for texts in changes])

    rows = parse(message)[1] if message else {}

    assert set(rows) == {(record.record_id,) for record in records}


@given(st.text())
def test_a_group_is_never_lost(fqan):
    assert groups_of(fqan)["Group"] or not fqan
