"""The model of APEL's server does what APEL's server was seen to do."""

import json
from datetime import UTC, datetime

import pytest

from caso.testing.recipient import Recipient, RefusedError
from caso.window import Month

DAY = 86400
JANUARY, FEBRUARY = Month(2024, 1), Month(2024, 2)


def epoch(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def cloud(*records, header="APEL-cloud-message: v0.4"):
    plain = {"VMUUID": "a", "SiteName": "SITE", "StartTime": epoch("2024-01-10")}
    bodies = ["\n".join(f"{name}: {value}" for name, value in (plain | record).items()) for record in records]
    return (header + "\n" + "\n%%\n".join(bodies) + "\n").encode()


def accelerators(*records, **message):
    plain = {
        "MeasurementMonth": 1,
        "MeasurementYear": 2024,
        "AssociatedRecordType": "cloud",
        "AssociatedRecord": "a",
        "FQAN": "vo",
        "SiteName": "SITE",
        "Count": 1,
        "AvailableDuration": 100,
        "Type": "GPU",
        "Model": "A100",
    }
    document = {"Type": "APEL-accelerator-message", "Version": "0.1", "UsageRecords": [plain | record for record in records]}
    return json.dumps(document | message).encode()


def addresses(*records, **message):
    plain = {
        "MeasurementTime": epoch("2024-01-10"),
        "SiteName": "SITE",
        "CloudType": "cloud",
        "CloudComputeService": "service",
        "LocalUser": "p",
        "LocalGroup": "p",
        "GlobalUserName": "p",
        "FQAN": "vo",
        "IPVersion": 4,
        "IPCount": 1,
    }
    document = {"Type": "APEL Public IP message", "Version": "0.2", "UsageRecords": [plain | record for record in records]}
    return json.dumps(document | message).encode()


STAR = "http://eu-emi.eu/namespaces/2011/02/storagerecord"
STORAGE = """<sr:StorageUsageRecord xmlns:sr="http://eu-emi.eu/namespaces/2011/02/storagerecord">
<sr:RecordIdentity sr:recordId="{id}" sr:createTime="2024-01-31T23:59:59Z"/>
<sr:StorageSystem>system</sr:StorageSystem><sr:Site>SITE</sr:Site>
<sr:SubjectIdentity><sr:LocalGroup>p</sr:LocalGroup><sr:Group>vo</sr:Group>
<sr:GroupAttribute sr:attributeType="role">admin</sr:GroupAttribute></sr:SubjectIdentity>
<sr:StartTime>2024-01-01T00:00:00Z</sr:StartTime><sr:EndTime>2024-01-31T23:59:59Z</sr:EndTime>
<sr:ResourceCapacityUsed>10</sr:ResourceCapacityUsed></sr:StorageUsageRecord>"""


def volumes(*records):
    """A message of one volume for each pair of what to write in place of what."""
    bodies = [STORAGE.format(id=f"r{number}").replace(*change) for number, change in enumerate(records)]
    return f'<sr:StorageUsageRecords xmlns:sr="{STAR}">{"".join(bodies)}</sr:StorageUsageRecords>'.encode()


@pytest.mark.parametrize("version", ["v0.2", "v0.4", "v9.9"])
def test_the_version_of_a_cloud_message_has_no_effect(version):
    recipient = Recipient()

    recipient.receive(cloud({"WallDuration": DAY}, header=f"APEL-cloud-message: {version}"))

    assert recipient.rows["cloud"]["a", 1, 2024]["WallDuration"] == DAY


@pytest.mark.parametrize("header", ["APEL-cloud-message", "APEL-other-message: v0.4", "apel-cloud-message: v0.4"])
def test_a_header_without_colon_or_of_another_type_is_refused(header):
    with pytest.raises(RefusedError, match="no known type"):
        Recipient().receive(cloud({}, header=header))


def test_two_per_cent_signs_in_a_name_cut_the_record_and_cost_its_neighbours():
    recipient = Recipient()

    with pytest.raises(RefusedError, match="without a key"):
        recipient.receive(cloud({"VMUUID": "good"}, {"VMUUID": "bad", "MachineName": "a%%b"}))

    assert recipient.rows["cloud"] == {}


def test_trailing_per_cent_signs_are_fine():
    assert Recipient().receive(cloud({}) + b"%%\n") == ("cloud", [("a", 1, 2024)])


@pytest.mark.parametrize("separator", ["\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"])
def test_a_line_without_colon_is_refused_whatever_ended_the_line_before(separator):
    with pytest.raises(RefusedError, match="without a key"):
        Recipient().receive(cloud({"MachineName": f"one{separator}two"}))


def test_a_value_may_hold_colons_and_a_repeated_key_counts_as_it_comes_last():
    recipient = Recipient()

    recipient.receive(cloud({"MachineName": "a:b: c"}) + b"SiteName: OTHER\n")

    row = recipient.rows["cloud"]["a", 1, 2024]
    assert (row["MachineName"], row["SiteName"]) == ("a:b: c", "OTHER")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"Colour": "red"}, "unknown field"),
        ({"vmuuid": "a"}, "unknown field"),
        ({"VMUUID": "NULL"}, "null or missing: VMUUID"),
        ({"SiteName": "None"}, "null or missing: SiteName"),
        ({"Memory": "512.0"}, "Memory"),
        ({"StartTime": "2024-01-10T12:00:00+00:00"}, "StartTime"),
        ({"MachineName": "x" * 256}, "more than 255"),
        ({"BenchmarkType": "x" * 51}, "more than 50"),
        ({"Benchmark": "10000000"}, "range"),
        ({"CpuCount": "-1"}, "range"),
        ({"CpuCount": "nan"}, "range"),
        ({"ImageId": "application/x-pkcs7-mime"}, "encrypted"),
        ({"MachineName": "naïve"}, "not ASCII"),
    ],
)
def test_one_bad_field_costs_the_whole_message(record, reason):
    recipient = Recipient()

    with pytest.raises(RefusedError, match=reason):
        recipient.receive(cloud({"VMUUID": "good"}, record))

    assert recipient.rows["cloud"] == {}


@pytest.mark.parametrize("word", ["NULL", "none", "Null", ""])
def test_a_machine_that_is_named_null_has_no_name(word):
    recipient = Recipient()

    recipient.receive(cloud({"MachineName": word, "UpdateTime": "whatever"}))

    assert recipient.rows["cloud"]["a", 1, 2024]["MachineName"] is None


@pytest.mark.parametrize(
    ("record", "booked"),
    [
        ({"RecordCreateTime": epoch("2024-02-01T00:00:00")}, (2, 2024)),
        ({"RecordCreateTime": epoch("2024-01-31T23:59:59")}, (1, 2024)),
        ({"StartTime": "2024-01-10T12:00:00Z", "WallDuration": 20 * DAY, "SuspendDuration": 2 * DAY}, (2, 2024)),
        ({"Status": "completed", "EndTime": epoch("2024-01-20"), "RecordCreateTime": epoch("2024-03-01")}, (1, 2024)),
        ({"Status": "completed"}, (0, 0)),
    ],
)
def test_the_month_is_that_of_the_end_or_else_of_the_reading_or_else_of_the_start_and_the_durations(record, booked):
    assert Recipient().receive(cloud(record)) == ("cloud", [("a", *booked)])


def test_durations_of_a_period_instead_of_cumulative_ones_make_the_next_month_negative():
    recipient = Recipient()

    recipient.receive(cloud({"RecordCreateTime": epoch("2024-01-31"), "WallDuration": 20 * DAY}))
    recipient.receive(cloud({"RecordCreateTime": epoch("2024-02-10"), "WallDuration": 10 * DAY}))

    assert recipient.cloud_usage(FEBRUARY)["a"]["WallDuration"] == -864000


def test_a_month_without_a_record_is_booked_in_the_next_that_has_one():
    recipient = Recipient()

    recipient.receive(cloud({"RecordCreateTime": epoch("2024-01-31"), "CpuDuration": 10}))
    recipient.receive(cloud({"RecordCreateTime": epoch("2024-03-31"), "CpuDuration": 35}))

    assert recipient.cloud_usage(Month(2024, 3))["a"]["CpuDuration"] == 25
    assert recipient.cloud_usage(FEBRUARY) == {}


def test_the_same_twice_changes_nothing_and_what_is_loaded_last_wins_though_it_is_older():
    recipient = Recipient()
    newer = cloud({"RecordCreateTime": epoch("2024-01-31"), "WallDuration": 20 * DAY})

    recipient.receive(newer)
    recipient.receive(newer)
    assert recipient.cloud_usage(JANUARY)["a"]["WallDuration"] == 20 * DAY

    recipient.receive(cloud({"RecordCreateTime": epoch("2024-01-15"), "WallDuration": 5 * DAY}))
    assert recipient.cloud_usage(JANUARY)["a"]["WallDuration"] == 5 * DAY


def test_the_same_server_of_two_sites_is_one_row():
    recipient = Recipient()

    recipient.receive(cloud({"SiteName": "ONE"}, {"SiteName": "TWO"}))

    assert [row["SiteName"] for row in recipient.rows["cloud"].values()] == ["TWO"]


def test_a_negative_duration_is_stored():
    recipient = Recipient()

    recipient.receive(cloud({"WallDuration": -5, "RecordCreateTime": epoch("2024-01-31")}))

    assert recipient.cloud_usage(JANUARY)["a"]["WallDuration"] == -5


def test_accelerator_durations_are_summed_over_servers_and_replaced_by_key():
    recipient = Recipient()

    recipient.receive(accelerators({}, {"AssociatedRecord": "b"}, {"Model": "V100", "AvailableDuration": 7}))
    recipient.receive(accelerators({"AvailableDuration": 300}))

    assert recipient.accelerator_seconds(JANUARY) == {"A100": 400, "V100": 7}


@pytest.mark.parametrize(
    "record",
    [
        {"uuid": "a"},
        {"benchmark_value": 3},
        {"Model": None},
        {"Model": "none"},
        {"FQAN": "None"},
        {"Type": "gpu"},
        {"MeasurementMonth": 13},
        {"MeasurementYear": 1999},
        {"MeasurementYear": datetime.now(UTC).year + 1},
        {"AvailableDuration": 1.5},
        {"AvailableDuration": 2**31},
        {"AssociatedRecordType": "vm"},
        {"Count": "2"},
        {"Count": True},
        {"SiteName": "\ud800"},
        {"GlobalUserName": 256 * "x"},
    ],
)
def test_one_bad_member_costs_the_whole_accelerator_message(record):
    recipient = Recipient()

    with pytest.raises(RefusedError):
        recipient.receive(accelerators({}, record))

    assert recipient.rows["accelerator"] == {}


def test_accelerators_may_leave_things_null_and_say_what_is_dropped():
    nulls = dict.fromkeys(("GlobalUserName", "Cores", "ActiveDuration", "BenchmarkType", "Benchmark"))

    kind, keys = Recipient().receive(accelerators(nulls | {"CloudType": None, "CloudComputeService": "one", "Count": 0.5}))

    assert (kind, keys) == ("accelerator", [(1, 2024, "cloud", "a", "SITE", "A100")])


@pytest.mark.parametrize("message", [{"Version": "0.2"}, {"UsageRecords": []}, {"Type": "apel-accelerator-message"}])
def test_another_version_or_type_or_nothing_at_all_is_refused(message):
    with pytest.raises(RefusedError):
        Recipient().receive(accelerators({}, **message))


def test_a_thousand_and_one_accelerator_records_are_too_many():
    Recipient().receive(accelerators(*[{}] * 1000))

    with pytest.raises(RefusedError, match="1000"):
        Recipient().receive(accelerators(*[{}] * 1001))


@pytest.mark.parametrize("version", ["0.2", "v0.2"])
def test_addresses_are_a_level_per_user_version_and_month_whatever_project_and_vo_they_are_of(version):
    recipient = Recipient()

    recipient.receive(addresses({}, {"IPVersion": 6, "IPCount": 5}, {"GlobalUserName": "q", "IPCount": 7}, Version=version))
    recipient.receive(addresses({"LocalGroup": "another", "FQAN": "another", "IPCount": 3}))
    recipient.receive(addresses({"MeasurementTime": epoch("2024-02-01T00:00:00"), "IPCount": 0}))

    assert recipient.ip_level(JANUARY) == {("p", 4): 3, ("p", 6): 5, ("q", 4): 7}
    assert dict(recipient.ip_level(FEBRUARY)) == {("p", 4): 0}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"uuid": "a"}, "Unknown field 'uuid'"),
        ({"LocalUser": None}, "LocalUser is null"),
        ({"GlobalUserName": "None"}, "GlobalUserName is null"),
        ({"CloudType": ""}, "CloudType is null"),
        ({"MeasurementTime": "1704844800"}, "of another type"),
        ({"MeasurementTime": 1.5}, "of another type"),
        ({"IPVersion": 5}, "IPVersion may not be 5"),
        ({"IPVersion": True}, "of another type"),
        ({"IPCount": -1}, "IPCount may not be -1"),
        ({"FQAN": "x" * 256}, "more than 255"),
        ({"SiteName": "\ud800"}, "SiteName"),
    ],
)
def test_one_bad_member_costs_the_whole_ip_message(record, reason):
    recipient = Recipient()

    with pytest.raises(RefusedError, match=reason):
        recipient.receive(addresses({}, record))

    assert recipient.rows["ip"] == {}


@pytest.mark.parametrize(
    "member", ["MeasurementTime", "SiteName", "LocalGroup", "LocalUser", "GlobalUserName", "FQAN", "IPCount"]
)
def test_an_ip_record_without_a_member_that_is_needed_is_refused(member):
    document = json.loads(addresses({}))
    del document["UsageRecords"][0][member]

    with pytest.raises(RefusedError, match=f"missing: {member}"):
        Recipient().receive(json.dumps(document).encode())


def test_an_ip_record_may_leave_out_the_service():
    assert Recipient().receive(addresses({"CloudComputeService": None})) == ("ip", [("SITE", None, "p", 4, 1, 2024)])


@pytest.mark.parametrize("message", [{"Version": "0.1"}, {"UsageRecords": []}, {"Type": "APEL-Public-IP-message"}])
def test_an_ip_message_of_another_version_or_type_or_of_nothing_is_refused(message):
    with pytest.raises(RefusedError):
        Recipient().receive(addresses({}, **message))


def test_a_storage_row_has_what_the_elements_and_attributes_say():
    recipient = Recipient()

    recipient.receive(volumes(("", "")))

    row = recipient.storage()["r0"]
    assert (row["Group"], row["Role"], row["SubGroup"]) == ("vo", "admin", None)
    assert row["EndTime"] == row["CreateTime"] == datetime(2024, 1, 31, 23, 59, 59, tzinfo=UTC)
    assert row["ResourceCapacityUsed"] == 10


def test_a_record_alone_may_be_the_root():
    assert Recipient().receive(STORAGE.format(id="r").encode()) == ("storage", [("r",)])


def test_the_same_record_id_replaces_whatever_month_it_is_of():
    recipient = Recipient()

    recipient.receive(volumes(("", "")))
    recipient.receive(volumes(("2024-01", "2024-03")))

    assert [row["EndTime"].month for row in recipient.storage().values()] == [3]


@pytest.mark.parametrize(
    ("time", "read"),
    [("2024-01-05T02:00:00+02:00", 0), ("2024-01-05T00:00:00", 0), ("2024-01-05T01:00:00Z", 1)],
)
def test_a_time_with_an_offset_is_converted_and_one_without_is_utc(time, read):
    recipient = Recipient()

    recipient.receive(volumes(("2024-01-01T00:00:00Z", time)))

    assert recipient.storage()["r0"]["StartTime"] == datetime(2024, 1, 5, read, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("sr:recordId", "recordId"), "missing: RecordId"),
        (("sr:createTime", "createTime"), "missing: CreateTime"),
        (("r1", "NULL"), "missing: RecordId"),
        (("r1", "x" * 256), "more than 255"),
        ((">system<", "><"), "missing: StorageSystem"),
        (("2024-01-01T00:00:00Z", "1704067200"), "no time of ISO 8601"),
        ((">10<", ">10.5<"), "ResourceCapacityUsed"),
        ((">10<", f">{2**63}<"), "range"),
        (("sr:ResourceCapacityUsed", "sr:LogicalCapacityUsed"), "missing: ResourceCapacityUsed"),
        (("<sr:Group>vo</sr:Group>", ""), "needs a Group"),
        ((">SITE<", "><b><"), "no XML"),
        ((">SITE<", ">&#0;<"), "no XML"),
        ((">SITE<", ">application/pkcs7-mime<"), "encrypted"),
        ((">SITE<", ">Sítio<"), "not ASCII"),
    ],
)
def test_one_bad_element_costs_the_whole_storage_message(change, reason):
    recipient = Recipient()

    with pytest.raises(RefusedError, match=reason):
        recipient.receive(volumes(("", ""), change))

    assert recipient.rows["storage"] == {}


@pytest.mark.parametrize("message", [volumes(), volumes(("", "")).replace(STAR.encode(), b"http://example.org"), b"<other/>"])
def test_a_storage_message_without_records_or_of_another_namespace_is_refused(message):
    with pytest.raises(RefusedError):
        Recipient().receive(message)


def test_draining_takes_legal_names_in_order_and_notes_what_is_refused(tmp_path):
    directory = tmp_path / "65b9a000"
    directory.mkdir()
    (directory / "65b9a00000000a").write_bytes(cloud({"WallDuration": 1}))
    (directory / "65b9a00000001a").write_bytes(b"nonsense")
    (directory / "65b9a00000002a").write_bytes(cloud({"WallDuration": 2}))
    (directory / "65b9a00000003a.tmp").write_bytes(cloud({"WallDuration": 3}))
    recipient = Recipient()

    assert recipient.drain(tmp_path) == 3

    assert recipient.rows["cloud"]["a", 1, 2024]["WallDuration"] == 2
    assert len(recipient.refused) == 1
    assert [path.name for path in directory.iterdir()] == ["65b9a00000003a.tmp"]
