"""Whatever a service, or a stranger, writes into a queue: reading it never fails, and what is read is whole."""

from __future__ import annotations

import contextlib
import copy
import functools
import json
import operator
from datetime import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from caso.sources.messages import (
    Ignored,
    Message,
    ServerMessage,
    Unreadable,
    VolumeMessage,
    VolumeTypeMessage,
    open_envelope,
    read,
)
from tests.unit.sources.notified import a_message, attachment, legacy_instance, versioned, versioned_instance, volume

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["", "None", "\0", "\ud800", "2026-11-21", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00", 2**70]
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.just("nova_object.data"), inner, max_size=3)
    ),
    max_leaves=6,
)
WHOLE = [
    ("compute.instance.update", legacy_instance()),
    ("compute.instance.delete.end", legacy_instance(state="deleted", terminated_at="2026-11-21T08:00:00.000000")),
    ("compute.instance.exists", legacy_instance(audit_period_ending="2026-11-21 08:00:00")),
    ("instance.exists", versioned_instance(audit_period=versioned({"audit_period_ending": "2026-11-21T08:00:00Z"}))),
    ("instance.resize_finish.end", versioned_instance()),
    ("volume.attach.end", volume(volume_attachment=[attachment("server-1")])),
    ("volume.delete.end", volume(instance_uuid="server-1", deleted_at="2026-11-21T08:00:00")),
    ("volume_type.update", {"volume_types": {"id": "type-1", "name": "fast"}}),
]


def places(value: Any) -> list[tuple[Any, ...]]:
    """The path to each member of what JSON said."""
    if not isinstance(value, dict | list):
        return []
    members = value.items() if isinstance(value, dict) else enumerate(value)
    return [path for key, inner in members for path in [(key,), *((key, *rest) for rest in places(inner))]]


@st.composite
def bent(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A payload in which something is something else, or missing."""
    event_type, payload = draw(st.sampled_from(WHOLE))
    payload = copy.deepcopy(payload)
    for path in draw(st.lists(st.sampled_from(places(payload)), min_size=1, max_size=3)):
        # What was bent before may have taken the place away.
        with contextlib.suppress(KeyError, IndexError, TypeError):
            holder = functools.reduce(operator.getitem, path[:-1], payload)
            if draw(st.booleans()):
                del holder[path[-1]]
            else:
                holder[path[-1]] = draw(ANYTHING)
    return event_type, payload


@given(bent())
def test_a_bent_payload_is_read_or_kept_with_a_reason(told: tuple[str, dict[str, Any]]):
    answer = read(a_message(*told))

    match answer:
        case ServerMessage():
            assert answer.uuid
            assert answer.project_id
            assert min(answer.vcpus, answer.memory_mib, answer.disk_gib) >= 0
            assert is_utc(answer.created)
            assert answer.ended is None or is_utc(answer.ended)
            assert (answer.status == "DELETED") == (answer.ended is not None)
        case VolumeMessage():
            assert answer.uuid
            assert answer.project_id
            assert answer.size_gib >= 0
            assert is_utc(answer.created)
            assert all(answer.attached_to)
        case VolumeTypeMessage():
            assert answer.type_id
        case Unreadable():
            assert answer.reason
            assert answer.body.encode()
        case Ignored():
            assert answer.event_type == told[0]


@given(st.sampled_from([event_type for event_type, _ in WHOLE]), st.dictionaries(st.text(max_size=8), ANYTHING))
def test_a_payload_of_something_else_is_kept_with_a_reason(event_type: str, payload: dict[str, Any]):
    assert isinstance(read(a_message(event_type, payload)), Unreadable | Ignored)


@given(st.binary() | ANYTHING.map(lambda told: json.dumps(told).encode()))
def test_any_body_is_a_message_or_kept_with_a_reason(body: bytes):
    told = open_envelope(body)

    assert isinstance(told, Message | Unreadable)
    assert told.id


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(["message_id", "event_type", "timestamp", "payload", "priority", "publisher_id", "x"], ANYTHING),
    ),
    st.booleans(),
)
def test_any_members_of_a_message_do(inner: dict[str, Any], is_wrapped: bool):
    text = json.dumps(inner)

    told = open_envelope(json.dumps({"oslo.message": text}).encode() if is_wrapped else text.encode())

    if isinstance(told, Message):
        assert is_utc(told.at)
        assert told.event_type.encode()
        read(told)
    else:
        assert told.reason.encode()
        assert told.body.encode()


def is_utc(instant: datetime) -> bool:
    offset = instant.utcoffset()
    return offset is not None and not offset
