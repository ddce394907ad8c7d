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
