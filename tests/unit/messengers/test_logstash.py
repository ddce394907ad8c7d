import logging
import re
import socket
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from oslo_config import cfg

from caso.errors import ConfigError, DeliveryError, RejectedError
from caso.messengers.logstash import LogstashMessenger, Tls
from caso.testing.records import a_cloud_record, a_storage_record, an_accelerator_record, an_ip_record
from tests.unit.messengers.receivers import (
    HERE,
    Authority,
    Receiver,
    answer,
    close_early_in_order,
    close_in_mid_line,
    read_all,
    read_then_reset,
)

ROOT = Path(__file__).parents[3]
RECORDS = [a_cloud_record(), an_accelerator_record(), an_ip_record(), a_storage_record()]
KEYS = [record.key for record in RECORDS]
MANY = [a_cloud_record(vm_uuid=str(number), machine_name="x" * 200) for number in range(20000)]
"""More than the buffers of two kernels hold."""


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "authority")


@pytest.fixture
def free_port():
    with socket.create_server((HERE, 0)) as listener:
        return listener.getsockname()[1]


def messenger_to(port, tls=None, timeout=5, host=HERE):
    return LogstashMessenger(host, port, tls, timeout, hush=0.2)


def trouble_of(messenger, records=RECORDS):
    with pytest.raises(DeliveryError) as failed:
        messenger.send(records)
    return str(failed.value)


def from_text(text, tmp_path):
    path = tmp_path / "caso.conf"
    path.write_text(f"[logstash]\n{text}\n")
    conf = cfg.ConfigOpts()
    conf.register_opts(LogstashMessenger.options, group="logstash")
    conf(args=[], default_config_files=[str(path)], default_config_dirs=[])
    return LogstashMessenger.from_conf(conf.logstash)


def test_every_record_is_a_line_in_its_order_over_one_connection():
    with Receiver() as receiver:
        messenger_to(receiver.port).send(RECORDS)

    assert [record["RecordKey"] for record in receiver.records] == KEYS
    assert receiver.connections == 1


def test_no_connection_is_made_for_nothing():
    with Receiver() as receiver:
        messenger_to(receiver.port).send([])
        messenger_to(receiver.port).send(RECORDS)

    assert receiver.connections == 1


def test_nothing_is_sent_of_records_among_which_one_is_refused():
    bad = an_ip_record(project_id="\ud800")
    with Receiver() as receiver, pytest.raises(RejectedError) as refused:
        messenger_to(receiver.port).send([*RECORDS, bad])

    assert list(refused.value.reasons) == [bad.key]
    assert receiver.connections == 0


def test_more_than_the_buffers_hold_arrives_whole():
    with Receiver() as receiver:
        messenger_to(receiver.port, timeout=60).send(MANY)

    assert len(receiver.records) == len(MANY)


def test_a_receiver_that_is_down_is_named_with_what_to_do(free_port):
    assert trouble_of(messenger_to(free_port)) == (
        f"cannot hand 4 records to {HERE}:{free_port}: Connection refused; "
        "start the receiver, or correct [logstash] host and port"
    )


def test_a_receiver_that_comes_back_is_given_everything(free_port):
    messenger = messenger_to(free_port)
    trouble_of(messenger)

    with Receiver(port=free_port) as receiver:
        messenger.send(RECORDS)

    assert [record["RecordKey"] for record in receiver.records] == KEYS


def test_a_host_that_nobody_knows_is_to_be_corrected():
    assert "correct [logstash] host" in trouble_of(messenger_to(5000, host="nobody.invalid"))


@pytest.mark.parametrize("handle", [close_in_mid_line, close_early_in_order, read_then_reset])
@pytest.mark.parametrize("secured", [False, True])
def test_a_receiver_that_closes_out_of_turn_has_accepted_nothing(handle, secured, authority):
    with Receiver(handle, tls=authority.serving() if secured else None) as receiver:
        trouble = trouble_of(messenger_to(receiver.port, Tls(str(authority.cafile)) if secured else None), MANY[:500])

    assert "the receiver's log may say why" in trouble or "see that TLS is spoken" in trouble


def test_a_receiver_that_ends_its_side_with_lines_still_on_their_way_has_accepted_nothing():
    def end_without_reading(connection):
        time.sleep(0.6)
        connection.shutdown(socket.SHUT_WR)
        time.sleep(1)
        return b""

    with Receiver(end_without_reading, buffer=4096) as receiver:
        trouble = trouble_of(messenger_to(receiver.port), MANY[:300])

    assert "bytes still on their way to it" in trouble


def test_a_receiver_that_answers_is_none_of_json_lines():
    with Receiver(answer) as receiver:
        assert "the receiver answered" in trouble_of(messenger_to(receiver.port))


@pytest.mark.parametrize("secured", [False, True])
def test_a_receiver_that_never_closes_has_accepted_nothing(secured, authority):
    def hang(connection):
        content = read_all(connection)
        time.sleep(2)
        return content

    with Receiver(hang, tls=authority.serving() if secured else None) as receiver:
        trouble = trouble_of(messenger_to(receiver.port, Tls(str(authority.cafile)) if secured else None, timeout=1))

    assert "give it more than 1 seconds in [logstash] timeout" in trouble


def test_the_timeout_is_for_the_whole_batch_however_the_receiver_dawdles():
    def dawdle(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(60):
            connection.recv(4096)
            time.sleep(0.05)
        return b""

    begun = time.monotonic()
    with Receiver(dawdle) as receiver:
        trouble = trouble_of(messenger_to(receiver.port, timeout=1), MANY)
        took = time.monotonic() - begun

    assert "timeout" in trouble
    assert took < 5


def test_a_slow_receiver_has_accepted_once_it_closes():
    def slowly(connection):
        time.sleep(1)
        return read_all(connection)

    with Receiver(slowly) as receiver:
        messenger_to(receiver.port).send(RECORDS)

        assert [record["RecordKey"] for record in receiver.records] == KEYS


def test_tls_carries_the_lines_to_a_receiver_with_a_trusted_certificate(authority):
    with Receiver(tls=authority.serving()) as receiver:
        messenger_to(receiver.port, Tls(str(authority.cafile))).send(RECORDS)

    assert [record["RecordKey"] for record in receiver.records] == KEYS


@pytest.mark.parametrize("fault", ["authority", "name", "expired", "unknown to the system"])
def test_a_certificate_that_is_not_good_is_never_talked_to(fault, authority, tmp_path):
    serving = {"name": {"name": "other.example.org"}, "expired": {"days": -1}}.get(fault, {})
    believed = {"authority": str(Authority(tmp_path / "other").cafile), "unknown to the system": None}.get(
        fault, str(authority.cafile)
    )
    with Receiver(tls=authority.serving(**serving)) as receiver:
        trouble = trouble_of(messenger_to(receiver.port, Tls(believed)))

    assert "certificate verify failed" in trouble
    assert "name in [logstash] cafile who signed its certificate" in trouble
    assert receiver.taken == []


def test_a_receiver_that_wants_a_certificate_gets_ours(authority):
    certfile, keyfile = authority.sign("caso.example.org")
    with Receiver(tls=authority.serving(clients=True)) as receiver:
        trouble = trouble_of(messenger_to(receiver.port, Tls(str(authority.cafile))))
        messenger_to(receiver.port, Tls(str(authority.cafile), str(certfile), str(keyfile))).send(RECORDS)

    assert "certfile" in trouble
    assert [record["RecordKey"] for record in receiver.records] == KEYS


def test_plain_lines_are_not_accepted_by_a_receiver_of_tls(authority):
    with Receiver(tls=authority.serving()) as receiver:
        trouble = trouble_of(messenger_to(receiver.port))

    assert "if it wants TLS, set tls = true" in trouble


def test_a_receiver_of_plain_lines_is_never_told_anything_over_tls(authority):
    with Receiver() as receiver:
        trouble = trouble_of(messenger_to(receiver.port, Tls(str(authority.cafile)), timeout=1))

    assert "timeout" in trouble
    assert b"alice" not in b"".join(receiver.taken)


def test_a_key_with_a_passphrase_is_an_error_and_no_question_at_the_terminal(authority, tmp_path):
    certfile, keyfile = authority.sign("caso.example.org")
    key = serialization.load_pem_private_key(keyfile.read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"hidden")
    keyfile.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked))

    with Receiver(tls=authority.serving()) as receiver:
        trouble = trouble_of(messenger_to(receiver.port, Tls(str(authority.cafile), str(certfile), str(keyfile))))

    assert "the key has no passphrase" in trouble
    assert str(keyfile) in trouble


def test_a_certificate_file_that_is_not_there_is_named(tmp_path):
    trouble = trouble_of(messenger_to(5000, Tls(str(tmp_path / "none.pem"))))

    assert f"cafile {tmp_path}/none.pem" in trouble


def test_no_text_of_a_record_reaches_the_log(caplog):
    caplog.set_level(logging.DEBUG)
    with Receiver() as receiver:
        messenger_to(receiver.port).send(RECORDS)

    assert "4 records handed to" in caplog.text
    assert "alice" not in caplog.text


def test_the_defaults_are_those_of_caso_as_it_was(tmp_path):
    messenger = from_text("", tmp_path)

    assert (messenger.host, messenger.port, messenger.tls, messenger.timeout) == ("localhost", 5000, None, 30)


def test_tls_comes_from_the_configuration(tmp_path):
    messenger = from_text("host = logs\nport = 6\ntls = true\ncafile = /a\ncertfile = /b\nkeyfile = /c\ntimeout = 9", tmp_path)

    assert (messenger.host, messenger.port, messenger.tls, messenger.timeout) == ("logs", 6, Tls("/a", "/b", "/c"), 9)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("host =", "host is empty; name the host"),
        ("cafile = /a", "tls is not; set tls = true"),
        ("tls = true\nkeyfile = /a", "keyfile is set, and certfile is not"),
    ],
)
def test_settings_that_cannot_be_meant_are_a_config_error(text, reason, tmp_path):
    with pytest.raises(ConfigError, match=reason):
        from_text(text, tmp_path)


def test_the_page_quotes_the_messages_that_the_messenger_has():
    page = ROOT / "doc/source/logstash.rst"
    section = page.read_text(encoding="utf-8").partition("\nWhen it fails\n")[2].partition("\nOther receivers\n")[0]
    quoted = [text.rpartition(": ")[2] for text in re.findall(r"^``(.*)``$", section, re.MULTILINE)]
    others = {"Connection refused", "certificate verify failed"}  # the kernel's and OpenSSL's words

    source = (ROOT / "caso/messengers/logstash.py").read_text(encoding="utf-8")
    assert len(quoted) == 6
    assert [text for text in quoted if text not in others and text not in source] == []


@pytest.mark.parametrize("host", ["logs..example.org", "x" * 70])
def test_a_host_that_is_no_name_is_the_operators_to_correct(host):
    with pytest.raises(DeliveryError, match=r"host: .* is no name of a host"):
        LogstashMessenger(host, 5000).send([a_cloud_record()])
