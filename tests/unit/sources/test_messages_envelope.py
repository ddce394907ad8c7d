"""Notifications out of their envelope: what is kept of them, and what never is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from caso.sources.messages import Message, Unreadable, open_envelope, read
from caso.sources.messages_envelope import LONGEST_BODY, damaged
from tests.broker.envelope import Notification, envelope
from tests.unit.sources.notified import a_message

INNER = {
    "message_id": "message-1",
    "publisher_id": "compute.host-1",
    "event_type": "compute.instance.update",
    "priority": "INFO",
    "payload": {"instance_id": "server-1"},
    "timestamp": "2026-11-21 07:51:57.843994",
    "_unique_id": "0123",
    "_context_auth_token": "gAAAAAthetoken",
}
AT = datetime(2026, 11, 21, 7, 51, 57, 843994, tzinfo=UTC)


def wrapped(**changes: Any) -> bytes:
    return json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps({**INNER, **changes})}).encode()


def test_a_message_is_the_same_in_its_envelope_and_bare():
    expected = Message("message-1", "compute.instance.update", AT, "INFO", "compute.host-1", {"instance_id": "server-1"})

    assert open_envelope(wrapped()) == expected
    assert open_envelope(json.dumps(INNER).encode()) == expected


def test_the_test_brokers_notifications_are_read():
    body = json.dumps(envelope(Notification("volume.create.end", {"a": 1}, message_id="message-1"))).encode()

    assert open_envelope(body) == Message("message-1", "volume.create.end", AT, "INFO", "compute.host-1", {"a": 1})


def test_a_message_without_what_is_not_needed_is_read():
    body = json.dumps({"event_type": "a.b", "timestamp": "2026-11-21T07:51:57.843994Z"}).encode()

    message = open_envelope(body)

    assert isinstance(message, Message)
    assert message.id.startswith("sha256:")
    assert (message.at, message.payload, message.priority, message.publisher) == (AT, {}, "", "")
    assert open_envelope(body) == message


def test_a_payload_that_is_no_object_is_kept_under_its_name():
    message = open_envelope(wrapped(payload=["a"]))

    assert isinstance(message, Message)
    assert message.payload == {"payload": ["a"]}


SECRETS = {
    "request_spec": {"pci_requests": {"_context": {"auth_token": "hidden-1"}, "other": [{"auth_token": "hidden-2"}]}},
    "admin_pass": "hidden-3",
    "adminPass": "hidden-4",
    "user_data": "hidden-5",
    "connection": {"secret_uuid": "hidden-6", "auth_password": {"deep": "hidden-7"}},
    "tokens": ["hidden-8"],
    "_context_service_catalog": "hidden-9",
    "key_name": "kept-1",
    "password": None,
}


def test_secrets_are_out_of_a_message_at_any_depth():
    message = open_envelope(wrapped(payload=SECRETS))

    assert isinstance(message, Message)
    assert "hidden" not in repr(message)
    assert message.payload == {
        "request_spec": {"pci_requests": {"other": [{"auth_token": "***"}]}},
        "admin_pass": "***",
        "adminPass": "***",
        "user_data": "***",
        "connection": {"secret_uuid": "***", "auth_password": "***"},
        "tokens": "***",
        "key_name": "kept-1",
        "password": None,
    }


@pytest.mark.parametrize(
    "body",
    [
        wrapped(payload=SECRETS, timestamp=None),
        json.dumps({**INNER, "payload": SECRETS, "event_type": 7}).encode(),
        wrapped(payload=SECRETS)[:-1],
        json.dumps({"oslo.message": json.dumps({**INNER, "payload": SECRETS})[:-1]}).encode(),
        b'\xff {"my_password": "hidden-1", "b": \'c\', secret: \'hidden-2\', token=hidden-3}, rabbit://caso:hidden-4@host',
        b'{"auth_token": "hidden, that never ends',
    ],
)
def test_secrets_are_out_of_what_cannot_be_read_too(body: bytes):
    odd = open_envelope(body)

    assert isinstance(odd, Unreadable)
    assert "hidden" not in repr(odd)
    assert len(odd.body) > 10


def test_a_broken_payload_is_shown_without_secrets():
    message = open_envelope(wrapped(payload={"instance_id": None, "my_secret": "hidden"}))
    assert isinstance(message, Message)

    odd = read(message)

    assert isinstance(odd, Unreadable)
    assert odd.body == '{"instance_id": null, "my_secret": "***"}'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "it is no JSON"),
        (b"\xff", "it is no text in UTF-8"),
        (b"7", "it is no message: not an object"),
        (b"9" * 5000, "it is no JSON"),
        (b'{"oslo.version": "2.0", "oslo.message": {}}', "oslo.message: it is no text"),
        (b'{"oslo.version": "2.0", "oslo.message": "{"}', "oslo.message is no JSON"),
        (b'{"oslo.version": "2.0", "oslo.message": "[]"}', "it is no message: not an object"),
        (b"[" * 100_000, "it is nested too deeply"),
        (wrapped(event_type=None), "event_type: there is none"),
        (wrapped(timestamp="yesterday"), "timestamp: 'yesterday' is no time"),
        (wrapped(timestamp="0001-01-01 00:00:00+14:00"), "timestamp: '0001-01-01 00:00:00+14:00' is no time"),
    ],
)
def test_what_is_no_message_says_why(body: bytes, reason: str):
    odd = open_envelope(body)

    assert isinstance(odd, Unreadable)
    assert odd.reason.startswith(reason)


def test_of_an_unreadable_message_all_that_can_be_told_is():
    odd = open_envelope(wrapped(timestamp=None))

    assert isinstance(odd, Unreadable)
    assert (odd.id, odd.event_type, odd.at) == ("message-1", "compute.instance.update", None)
    assert "server-1" in odd.body


def test_a_payload_nested_deeply_is_kept_as_text():
    deep: Any = "the bottom"
    for _ in range(700):
        deep = [deep]

    odd = open_envelope(wrapped(payload=deep))

    assert isinstance(odd, Unreadable)
    assert odd.reason == "it is nested too deeply"
    assert "the bottom" in odd.body


@pytest.mark.parametrize("message_id", [None, 7, "", "a" * 256, "a\0b", "a\ud800"])
def test_an_id_that_no_database_keeps_gives_way_to_a_digest(message_id: Any):
    message = open_envelope(wrapped(message_id=message_id))

    assert isinstance(message, Message)
    assert len(message.id) == len("sha256:") + 64


def test_the_body_of_an_unreadable_message_has_an_end():
    odd = damaged(("ä" * LONGEST_BODY).encode(), "it is too long")
    broken = read(a_message("volume.create.end", {"metadata": {"a": "ä" * LONGEST_BODY}}))

    assert isinstance(broken, Unreadable)
    assert LONGEST_BODY - 4 < len(odd.body.encode()) <= LONGEST_BODY
    assert LONGEST_BODY - 4 < len(broken.body.encode()) <= LONGEST_BODY


def test_texts_that_no_database_keeps_are_not_kept():
    odd = open_envelope(json.dumps({"event_type": "a\ud800\0", "timestamp": "b\0", "c": "\ud800\0"}).encode())

    assert isinstance(odd, Unreadable)
    told = f"{odd.event_type}{odd.reason}{odd.body}"
    assert told.encode().decode() == told
    assert "\0" not in told
