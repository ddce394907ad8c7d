import gc
import os
import weakref
from pathlib import Path

import pytest
from oslo_config import cfg

from caso.errors import ConfigError, DeliveryError, RejectedError
from caso.messengers.ssm import SsmMessenger
from caso.records.base import Record
from caso.testing.recipient import Recipient, parse
from caso.testing.records import a_cloud_record, a_storage_record, an_accelerator_record, an_ip_record


class OtherRecord(Record):
    kind = "energy"

    @property
    def key(self):
        return "energy/1"

    def neutral(self, before):
        return self


def another_kind():
    measured_at = a_cloud_record().measured_at
    return OtherRecord(measured_at=measured_at, known_at=measured_at)


def from_text(text, tmp_path):
    """The messenger that a caso.conf of this text makes."""
    path = tmp_path / "caso.conf"
    path.write_text(text)
    conf = cfg.ConfigOpts()
    conf.register_opts(SsmMessenger.options, group="ssm")
    conf(args=[], default_config_files=[str(path)], default_config_dirs=[])
    return SsmMessenger.from_conf(conf.ssm)


def messages(root):
    """The kind and the servers of each message, in the queue's order."""
    parsed = (parse(path.read_bytes()) for path in sorted(root.glob("*/*")))
    return [(kind, [row.get("VMUUID") or row.get("AssociatedRecord") for row in rows.values()]) for kind, rows in parsed]


def test_kinds_go_in_messages_of_their_own_and_in_order(tmp_path):
    messenger = SsmMessenger(tmp_path)

    messenger.send(
        [
            a_cloud_record(vm_uuid="a"),
            an_accelerator_record(vm_uuid="a"),
            a_cloud_record(vm_uuid="b"),
            an_accelerator_record(vm_uuid="b"),
        ]
    )

    assert messages(tmp_path) == [("cloud", ["a", "b"]), ("accelerator", ["a", "b"])]


def test_all_four_kinds_of_apel_are_written_and_taken_unless_the_operator_says_otherwise(tmp_path):
    SsmMessenger(tmp_path).send([a_cloud_record(), an_accelerator_record(), an_ip_record(), a_storage_record()])

    assert SsmMessenger.record_types == SsmMessenger.writes == {"cloud", "accelerator", "ip", "storage"}
    assert [kind for kind, _ in messages(tmp_path)] == ["cloud", "accelerator", "ip", "storage"]


def test_a_message_has_at_most_max_size_records(tmp_path):
    messenger = SsmMessenger(tmp_path, max_size=2)

    messenger.send([a_cloud_record(vm_uuid=str(number)) for number in range(5)])

    assert messages(tmp_path) == [("cloud", ["0", "1"]), ("cloud", ["2", "3"]), ("cloud", ["4"])]


def test_each_kind_may_have_its_own_directory(tmp_path):
    messenger = SsmMessenger(tmp_path / "cloud", output_paths={"accelerator": tmp_path / "accelerator"})

    messenger.send([a_cloud_record(), an_accelerator_record()])

    assert [kind for kind, _ in messages(tmp_path / "cloud")] == ["cloud"]
    assert [kind for kind, _ in messages(tmp_path / "accelerator")] == ["accelerator"]


def test_the_directories_come_from_the_configuration(tmp_path):
    text = f"[ssm]\noutput_path = {tmp_path}/vm\noutput_paths = accelerator:{tmp_path}/gpu\nmax_size = 7\n"

    messenger = from_text(text, tmp_path)

    assert {kind: queue.root for kind, queue in messenger.queues.items()} == {
        "cloud": tmp_path / "vm",
        "accelerator": tmp_path / "gpu",
        "ip": tmp_path / "vm",
        "storage": tmp_path / "vm",
    }
    assert messenger.max_size == 7


def test_the_default_directory_is_that_of_caso_as_it_was(tmp_path):
    messenger = from_text("", tmp_path)

    assert {queue.root for queue in messenger.queues.values()} == {Path("/var/spool/apel/outgoing/openstack")}
    assert messenger.max_size == 100


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("output_paths = clouds:/a", "there is no record type clouds here; choose from accelerator, cloud, ip, storage"),
        ("output_paths = cloud:", "output_paths cloud: name the directory"),
        ("output_path =", "output_path: name the directory"),
    ],
)
def test_a_wrong_directory_setting_is_a_config_error_that_says_what_to_do(text, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        from_text(f"[ssm]\n{text}\n", tmp_path)


def test_more_records_than_a_message_takes_are_configured_as_with_caso_5(tmp_path, caplog):
    text = f"[ssm]\noutput_path = {tmp_path}\nmax_size = 5000\n"

    messenger = from_text(text, tmp_path)

    assert messenger.max_size == 1000
    assert "at most 1000 records" in caplog.text


def test_a_message_of_no_records_cannot_be_configured(tmp_path):
    with pytest.raises(cfg.ConfigFileValueError, match="max_size"):
        from_text("[ssm]\nmax_size = 0\n", tmp_path)


@pytest.mark.parametrize("max_size", [0, 1001])
def test_a_message_of_no_or_of_too_many_records_cannot_be_asked_for(max_size, tmp_path):
    with pytest.raises(ConfigError, match="max_size"):
        SsmMessenger(tmp_path, max_size=max_size)


def test_refused_records_of_all_messages_are_named_at_once_and_nothing_is_queued(tmp_path):
    messenger = SsmMessenger(tmp_path / "queue", max_size=1)
    bad = [a_cloud_record(vm_uuid="a%%b"), an_accelerator_record(model="null"), another_kind()]

    with pytest.raises(RejectedError) as refused:
        messenger.send([a_cloud_record(), *bad])

    assert set(refused.value.reasons) == {record.key for record in bad}
    assert "only accelerator, cloud, ip, storage; take it out of record_types" in refused.value.reasons["energy/1"]
    assert not (tmp_path / "queue").exists()


@pytest.mark.parametrize("place", ["file", "file/queue"])
def test_a_file_in_the_way_is_a_delivery_error_that_says_so(place, tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(DeliveryError, match=r"cannot queue 1 cloud records in .*: .* in the way: move it, or set"):
        SsmMessenger(tmp_path / place).send([a_cloud_record()])


def test_a_directory_that_the_user_may_not_write_to_is_a_delivery_error_that_names_the_user(tmp_path):
    root = tmp_path / "queue"
    root.mkdir(mode=0o500)
    was = os.geteuid()

    # given: root may write anywhere, so the test is somebody else for a moment
    if was == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(DeliveryError, match=r"Permission denied.*; let user \w+ write there, or set another directory"):
            SsmMessenger(root).send([a_cloud_record()])
    finally:
        os.seteuid(was)


def test_records_that_were_queued_before_a_failure_are_harmless_when_sent_again(tmp_path):
    # given: the second kind cannot be queued
    blocked = tmp_path / "blocked"
    blocked.write_text("in the way")
    messenger = SsmMessenger(tmp_path / "cloud", output_paths={"accelerator": blocked})
    records = [a_cloud_record(), an_accelerator_record()]
    with pytest.raises(DeliveryError):
        messenger.send(records)

    # when
    blocked.unlink()
    messenger.send(records)

    # then
    recipient = Recipient()
    assert recipient.drain(tmp_path / "cloud") == 2
    assert recipient.drain(blocked) == 1
    assert recipient.refused == []
    assert {kind: len(rows) for kind, rows in recipient.rows.items() if rows} == {"cloud": 1, "accelerator": 1}


def test_what_was_sent_is_let_go_of_at_once(tmp_path):
    messenger = SsmMessenger(tmp_path)
    gc.collect()
    gc.disable()
    try:
        records = [a_cloud_record(vm_uuid=f"vm-{number}") for number in range(3)]
        sent = [weakref.ref(record) for record in records]
        messenger.send(records)
        del records
        assert [one() for one in sent] == [None] * 3
    finally:
        gc.enable()
