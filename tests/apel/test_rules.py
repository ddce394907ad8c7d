"""What APEL needs of whoever sends to it: one class per rule, whose tests break when the rule is broken.

The finer points of a rule have tests beside the code that keeps it: tests/unit/messengers/test_outgoing.py
(the queue), tests/unit/wire (texts), tests/unit/accounting (numbers), tests/unit/test_killed.py (a kill at any step).
"""

import dataclasses
import os
import re
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caso.accounting.rules import Rules
from caso.errors import DeliveryError
from caso.messengers.ssm import SsmMessenger
from caso.planning import Period
from caso.records import Status
from caso.testing.messenger_contract import refused_of
from caso.testing.recipient import Recipient, parse
from caso.testing.records import a_cloud_record, a_storage_record, an_accelerator_record, an_ip_record
from caso.testing.servers import FakeCompute, a_server
from caso.testing.sources import REGION
from caso.window import Month
from caso.wire.apel import accelerator_message, cloud_message, ip_message
from caso.wire.star import storage_message
from tests.unit.cloudlet import T1, T2, Cloudlet, Recorder, servers
from tests.unit.wire.test_text import ANY_TEXT

DAY = 86400
ODD = "%%\nVMUUID: forged\x0b\u2028名前 \udc80\U0001f600 application/pkcs7-mime" + 300 * "x"
"""Everything that breaks a message, in one text."""
KINDS = ("cloud", "accelerator", "ip", "storage")
WRITE = dict(zip(KINDS, (cloud_message, accelerator_message, ip_message, storage_message), strict=True))
MAKE = dict(zip(KINDS, (a_cloud_record, an_accelerator_record, an_ip_record, a_storage_record), strict=True))
TEXTS = {
    "cloud": (
        "service_name",
        "cloud_type",
        "user_name",
        "project_id",
        "vo",
        "machine_name",
        "user_id",
        "image_id",
        "benchmark_name",
    ),
    "accelerator": ("service_name", "cloud_type", "user_name", "vo"),
    "ip": ("cloud_type", "vo"),
    "storage": ("service_name", "user_id", "user_name", "project_id", "vo", "volume_type"),
}
KEYS = {
    "cloud": ("vm_uuid",),
    "accelerator": ("vm_uuid", "model"),
    "ip": ("site_name", "service_name", "project_id"),
    "storage": ("volume_id",),
}
KEYS_OF_ROWS = {
    "cloud": lambda record: (record.vm_uuid, 2, 2024),
    "accelerator": lambda record: (2, 2024, "cloud", record.vm_uuid, "TEST-SITE", record.model),
    "ip": lambda record: (record.site_name, record.service_name, record.project_id, record.ip_version, 2, 2024),
    "storage": lambda record: (record.record_id,),
}


def odd_records():
    return [MAKE[kind](**dict.fromkeys(TEXTS[kind], ODD)) for kind in KINDS]


def instant(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def seconds_until(text, since="2024-02-01"):
    return int((instant(text) - instant(since)).total_seconds())


def alive(at):
    """The servers of a cloudlet that have not ended, as Nova has them."""
    return FakeCompute([row for row in servers(at) if row["status"] != "DELETED"])


def messages(cloudlet):
    """Every message of its queue in order: kind, and rows by key."""
    return [parse(path.read_bytes()) for path in sorted(cloudlet.queue.glob("*/*"))]


@pytest.fixture
def cloudlet(tmp_path):
    return Cloudlet(tmp_path)


class TestOnlyWholeMessagesOfAsciiAreInTheQueueAndNothingElse:
    def test_records_of_any_text_are_ascii_under_legal_names(self, tmp_path: Path):
        SsmMessenger(tmp_path / "queue", max_size=1).send([*odd_records(), *odd_records()])

        queued = [path for path in (tmp_path / "queue").rglob("*") if path.is_file()]
        names = [str(path.relative_to(tmp_path / "queue")) for path in queued]
        assert len(queued) == 8
        assert [name for name in names if not re.fullmatch("[0-9a-f]{8}/[0-9a-f]{14}", name)] == []
        assert [path for path in queued if not path.read_bytes().isascii()] == []

    def test_a_message_has_no_legal_name_before_it_is_whole_and_on_disk(self, tmp_path: Path, monkeypatch):
        fsync, seen = os.fsync, []

        def look(descriptor):
            path = Path(f"/proc/self/fd/{descriptor}").readlink()
            if path.is_file():
                seen.append((path.suffix, [name for name in tmp_path.glob("*/*") if not name.suffix]))
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", look)

        SsmMessenger(tmp_path).send([a_cloud_record()])

        assert seen == [(".tmp", [])]


class TestOneRecordNeverTakesDownItsNeighbours:
    @pytest.mark.parametrize("kind", KINDS)
    def test_odd_texts_are_made_harmless(self, kind):
        good = MAKE[kind](**{KEYS[kind][0]: "good"})
        odd = MAKE[kind](**dict.fromkeys(TEXTS[kind], ODD))

        _, rows = parse(WRITE[kind]([good, odd, good]))

        assert list(rows) == [KEYS_OF_ROWS[kind](good), KEYS_OF_ROWS[kind](odd)]
        assert max(len(value) for row in rows.values() for value in row.values() if isinstance(value, str)) <= 255

    def test_the_name_of_a_benchmark_is_cut_shorter_and_integers_have_no_fraction(self):
        record = a_cloud_record(benchmark_name="x" * 60, wall_seconds=10.5, cpu_seconds=21.0, memory_mib=512.0)

        ((_, row),) = parse(cloud_message([record]))[1].items()

        assert (len(row["BenchmarkType"]), row["WallDuration"], row["CpuDuration"], row["Memory"]) == (50, 10, 21, 512)

    def test_what_cannot_be_made_harmless_is_refused_and_the_others_go_out(self, tmp_path: Path):
        bad = [
            a_cloud_record(vm_uuid=ODD),
            an_accelerator_record(model="null"),
            an_ip_record(ip_version=5),
            a_storage_record(vo=""),
        ]
        good = [make() for make in MAKE.values()]
        messenger, recipient = SsmMessenger(tmp_path), Recipient()

        assert refused_of(messenger, [*good, *bad]) == {record.key for record in bad}
        messenger.send(good)

        assert recipient.drain(tmp_path) == 4
        assert recipient.refused == []


class TestKeysArriveAsTheyAre:
    @pytest.mark.parametrize("kind", KINDS)
    @given(st.data())
    def test_a_key_of_any_text_arrives_unchanged_or_is_refused(self, kind, data):
        changes = {name: data.draw(ANY_TEXT.filter(bool), label=name) for name in KEYS[kind]}
        record = MAKE[kind](**changes)

        refused = refused_of(Writer(WRITE[kind]), [record])

        if not refused:
            assert list(parse(WRITE[kind]([record]))[1]) == [KEYS_OF_ROWS[kind](record)]

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_key_with_letters_that_texts_lose_is_not_changed(self, kind):
        record = MAKE[kind](**dict.fromkeys(KEYS[kind], "a%b:  c/\\'\"<d>&" + "e" * 200))

        assert list(parse(WRITE[kind]([record]))[1]) == [KEYS_OF_ROWS[kind](record)]


class Writer:
    """As much of a messenger as refuses."""

    def __init__(self, write):
        self.send = write


class TestTimesAreUtcWhateverTheHostsZone:
    @pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Denver", "Europe/Madrid"])
    @pytest.mark.parametrize("measured", ["2024-07-01T00:00:00", "2024-03-31T01:30:00", "2024-10-27T00:30:00"])
    def test_every_message_is_the_same_in_every_zone_and_in_summer(self, zone, measured, monkeypatch):
        def write_all():
            measured_at = instant(measured)
            completed = {"status": Status.COMPLETED} if measured_at.month == 7 else {}
            records = {kind: make(measured_at=measured_at) for kind, make in MAKE.items()}
            records["cloud"] = a_cloud_record(measured_at=measured_at, **completed)
            return {kind: WRITE[kind]([record]) for kind, record in records.items()}

        at_home = write_all()
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        try:
            away = write_all()
        finally:
            monkeypatch.undo()
            time.tzset()

        assert away == at_home
        epoch = str(int(instant(measured).timestamp())).encode()
        assert all(epoch in away[kind] for kind in ("cloud", "ip"))
        assert f"<sr:EndTime>{measured}Z<".encode() in away["storage"]


class TestDurationsAreCumulativeAndNeverShrink:
    def test_those_of_a_server_count_since_its_creation_and_those_of_an_accelerator_since_the_month_began(self, cloudlet):
        cloudlet.run(T1)
        cloudlet.run(T2)

        rows = cloudlet.received()
        assert rows["cloud"]["runs", 2, 2024]["WallDuration"] == 29 * DAY
        assert rows["cloud"]["runs", 3, 2024]["WallDuration"] == seconds_until("2024-03-10T12:00:00")
        ((_, accelerator),) = [(key, row) for key, row in rows["accelerator"].items() if key[0] == 3]
        assert accelerator["AvailableDuration"] == seconds_until("2024-03-10T12:00:00", since="2024-03-01")

    def test_a_resize_resets_nothing(self, cloudlet):
        cloudlet.run(T1)
        before = dict(cloudlet.received()["cloud"]["grows", 3, 2024])
        cloudlet.run(T2)
        after = cloudlet.received()["cloud"]["grows", 3, 2024]

        assert after["StartTime"] == before["StartTime"] == instant("2024-02-01")
        assert after["CpuDuration"] - before["CpuDuration"] == 2 * 40 * 60 + 16 * 20 * 60

    def test_what_was_sent_of_a_month_that_is_over_is_not_undercut_when_suspended_servers_cost_nothing_any_more(self, cloudlet):
        # given: a suspended server, whose seconds the site counts as wall time until February is over
        asleep = a_server("asleep", "p1", status="SUSPENDED", updated="2024-02-01T00:00:00Z")
        wall = Rules("SITE", "SERVICE", "OpenStack", suspended_states=frozenset())
        for day in ("2024-02-10", "2024-03-02"):
            cloudlet.run(instant(day), compute=FakeCompute([asleep]), rules={REGION: wall})

        # when: it counts them as suspend time
        cloudlet.run(T1, compute=FakeCompute([asleep]))

        # then
        february, march = (cloudlet.received()["cloud"]["asleep", month, 2024] for month in (2, 3))
        assert february["WallDuration"] == 29 * DAY
        assert [march[name] - february[name] for name in ("WallDuration", "CpuDuration")] == [0, 0]
        assert march["SuspendDuration"] > february["SuspendDuration"]


class TestACompletedRecordHasAnEndAndNoOtherHasOne:
    def test_over_a_whole_run(self, cloudlet):
        cloudlet.run(T1)
        cloudlet.run(T2)

        rows = cloudlet.received()["cloud"].values()
        assert {row["Status"] for row in rows} >= {"completed", "started", "stopped"}
        assert [row for row in rows if (row["Status"] == "completed") != (row["EndTime"] is not None)] == []

    def test_a_running_server_leaves_it_out_rather_than_sending_0(self):
        assert b"EndTime" not in cloud_message([a_cloud_record()])

    def test_nobody_can_make_another_record(self):
        for status, end in ((Status.COMPLETED, None), (Status.STARTED, T1)):
            with pytest.raises(ValueError, match="an end if and only if it is completed"):
                a_cloud_record(status=status, end=end)


class TestTheSameWindowGivesTheSameRows:
    def test_republishing_an_old_window_changes_no_row_and_no_month(self, cloudlet):
        cloudlet.run(T1)
        cloudlet.run(T2)
        before = {kind: dict(rows) for kind, rows in cloudlet.received().items()}

        # A messenger that is new is sent all that is held: here, after the past was extracted again.
        later = T2 + timedelta(days=40)
        period = Period(now=later, until=T2, since=instant("2024-02-01"), past=True)
        everything = dataclasses.replace(cloudlet.outlet(), name="new")
        cloudlet.run(later, compute=FakeCompute(servers(T2)), period=period, outlets=[everything])

        assert {(kind, key) for kind, rows in messages(cloudlet) for key in rows} >= {("cloud", key) for key in before["cloud"]}
        after = cloudlet.received()
        assert {key: after["cloud"].get(key) for key in before["cloud"]} == before["cloud"]
        assert {key: after["accelerator"].get(key) for key in before["accelerator"]} == before["accelerator"]
        assert {(month, year) for _, month, year in after["cloud"]} == {(2, 2024), (3, 2024)}

    def test_two_sites_that_look_at_the_same_time_send_the_same(self, tmp_path: Path):
        sites = [Cloudlet(tmp_path / name, admin=name == "admin", page_size=size) for name, size in (("reader", 1), ("admin", 5))]
        for site in sites:
            site.run(T1)
            site.run(T2)

        assert sites[0].received() == sites[1].received()


class TestNoKeyIsTwiceInOneRun:
    def test_every_key_of_a_run_is_sent_once(self, cloudlet):
        cloudlet.run(T1)
        first = Counter((kind, key) for kind, rows in messages(cloudlet) for key in rows)
        cloudlet.received()
        cloudlet.run(T2)
        second = Counter((kind, key) for kind, rows in messages(cloudlet) for key in rows)

        assert len(first) > 5
        assert max(first.values()) == max(second.values()) == 1

    def test_projects_of_one_vo_and_both_ip_versions_share_no_key(self):
        records = [an_ip_record(project_id=project, ip_version=version) for project in ("p", "q") for version in (4, 6)]

        assert len(parse(ip_message(records))[1]) == len({record.key for record in records}) == 4


class TestEveryMonthHasItsRecordAndAMonthsEndIsInTheMonth:
    def test_a_window_that_ends_with_the_month_is_booked_in_it(self, cloudlet):
        end = instant("2024-04-01")
        cloudlet.run(T1)
        cloudlet.run(end, compute=alive(T2))

        rows = cloudlet.received()["cloud"]
        assert {(month, year) for _, month, year in rows} == {(2, 2024), (3, 2024)}
        assert rows["runs", 3, 2024]["RecordCreateTime"] == end - timedelta(seconds=1)
        assert rows["runs", 3, 2024]["WallDuration"] == 60 * DAY

    def test_months_in_which_caso_did_not_run_have_theirs(self, cloudlet):
        cloudlet.run(T1)
        cloudlet.run(instant("2024-06-15T12:00:00"), compute=alive(T2))

        cloudlet.received()
        used = {number: cloudlet.recipient.cloud_usage(Month(2024, number))["runs"]["WallDuration"] for number in range(3, 7)}
        assert used == {3: 31 * DAY, 4: 30 * DAY, 5: 31 * DAY, 6: 14 * DAY + DAY // 2}


class TestTheOldestGoesFirst:
    def test_no_month_of_a_server_comes_before_an_older_one(self, cloudlet):
        cloudlet.run(T1)
        cloudlet.received()
        cloudlet.run(instant("2024-06-15T12:00:00"), compute=alive(T2))

        sent = [row["RecordCreateTime"] for kind, rows in messages(cloudlet) if kind == "cloud" for row in rows.values()]
        assert len({moment.month for moment in sent}) == 4
        assert sent == sorted(sent)


class TestNothingMakesNoMessage:
    def test_no_records_are_no_file_and_no_directory(self, tmp_path: Path):
        SsmMessenger(tmp_path / "queue").send([])

        assert list(tmp_path.iterdir()) == []

    def test_a_run_that_finds_nothing_new_queues_nothing(self, cloudlet):
        cloudlet.run(T1)
        cloudlet.received()
        cloudlet.run(T1)
        empty = Cloudlet(cloudlet.folder / "empty")
        empty.run(T1, compute=FakeCompute([]))

        assert messages(cloudlet) == messages(empty) == []


class TestNothingCountsAsSentBeforeItIsInTheQueue:
    def test_what_could_not_be_queued_goes_out_with_the_next_run(self, cloudlet, tmp_path: Path):
        untroubled = Cloudlet(tmp_path / "untroubled")
        untroubled.run(T1)

        def full(records):
            raise DeliveryError("the disk is full")

        cloudlet.run(T1, outlets=[cloudlet.outlet(Recorder(full))])
        assert messages(cloudlet) == []
        cloudlet.run(T1)

        assert cloudlet.received() == untroubled.received()

    def test_what_was_queued_and_not_noted_is_sent_again_and_changes_nothing(self, cloudlet, tmp_path: Path):
        untroubled = Cloudlet(tmp_path / "untroubled")
        untroubled.run(T1)

        class Dying(SsmMessenger):
            def send(self, records):
                super().send(records)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            cloudlet.run(T1, outlets=[cloudlet.outlet(Dying(cloudlet.queue))])
        queued = {(kind, key) for kind, rows in messages(cloudlet) for key in rows}
        cloudlet.run(T1)

        again = Counter((kind, key) for kind, rows in messages(cloudlet) for key in rows)
        assert queued
        assert all(again[key] == 2 for key in queued)
        assert cloudlet.received() == untroubled.received()
