"""Notifications that real services sent, folded, are what was done: in any order, from one generation of them or both."""

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import pytest

from caso.extractors.flavors import AcceleratorKeys, BenchmarkKeys, FlavorReader
from caso.extractors.reading import MessageReader, again
from caso.lifecycle.notice import Fate
from caso.sources.messages import Message, Unreadable, open_envelope
from caso.store.kinds import kind_of
from tests.live.capture import FIXTURES
from tests.live.comparing import differences
from tests.live.log import read

NOW = datetime(2026, 12, 1, tzinfo=UTC)
ORDERS = {"as it came": None, **{f"shuffled {number}": number for number in range(5)}}


def captured(*names: str) -> list[Message | Unreadable]:
    lines = [line for name in names for line in (FIXTURES / f"{name}.jsonl").read_bytes().splitlines()]
    return [open_envelope(line) for line in lines]


def lives(messages: Sequence[Message | Unreadable], size: int = 50):
    """What is known once all are taken, and what became of each; what waits is read again after each page."""
    reader = MessageReader(FlavorReader(BenchmarkKeys(), AcceleratorKeys()))
    known, fates, waiting = {}, {}, []

    def take(those: Iterable[Message | Unreadable]) -> None:
        page = reader.page(those, NOW)
        for seen in page.seen:
            kind = kind_of(seen)
            known[seen.uuid] = kind.observe(known.get(seen.uuid), seen)
        waiting.extend(notice for notice in page.notices if notice.fate is Fate.WAITING)
        fates.update({notice.id: notice for notice in page.notices})

    for start in range(0, len(messages), size):
        take(messages[start : start + size])
        again_now, waiting[:] = list(waiting), []
        take(again(again_now))
    return known, fates


def in_order(messages, seed):
    return messages if seed is None else random.Random(seed).sample(messages, len(messages))


@pytest.mark.parametrize("seed", ORDERS.values(), ids=ORDERS)
@pytest.mark.parametrize("generations", [("legacy",), ("versioned",), ("legacy", "versioned")], ids="+".join)
def test_what_was_told_is_what_was_done(generations, seed):
    messages = in_order(captured(*generations, "cinder"), seed)

    known, fates = lives(messages)

    assert {notice.reason for notice in fates.values() if notice.fate is not Fate.FOLDED} == set()
    assert differences(read(FIXTURES / "log.jsonl"), known) == []


def test_any_order_and_any_repetition_tell_the_same_rows():
    messages = captured("legacy", "versioned", "cinder")
    rng = random.Random(3)
    repeated = in_order([*messages, *rng.sample(messages, 100)], 4)

    one, other = lives(messages)[0], lives(repeated, size=7)[0]

    assert {key: kind_and_rows(life) for key, life in one.items()} == {key: kind_and_rows(life) for key, life in other.items()}


def kind_and_rows(life):
    return life.intervals(), life.created, life.ended, life.name, life.notes


LOST = {
    "ends of servers": lambda message: message.payload.get("state") == "deleted",
    "suspended servers": lambda message: message.payload.get("state") == "suspended",
    "extended volumes": lambda message: message.event_type == "volume.resize.end",
    "volumes in new hands": lambda message: message.event_type == "volume.transfer.accept.end",
}


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
def test_where_messages_are_lost_what_was_done_is_not_what_was_told(lost):
    """What the tests above compare with is worth something."""
    known, _ = lives([message for message in captured("legacy", "cinder") if not lost(message)])

    assert differences(read(FIXTURES / "log.jsonl"), known) != []
