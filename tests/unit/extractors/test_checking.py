"""What an extractor tells is refused, with its reason, where it could not be kept, or where nobody would get it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar

import pytest

from caso.extractors.base import Ask, Extractor, OddObject, Page
from caso.extractors.checking import faults
from caso.lifecycle.server import Accelerator, Flavor, ServerState
from caso.lifecycle.timeline import Evidence, Source
from caso.lifecycle.volume import VolumeState
from caso.records import Record
from caso.testing.entities import hours, seen_address, seen_server, seen_volume

AT = hours(5)
NAIVE = AT.replace(tzinfo=None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LicenceRecord(Record):
    kind: ClassVar[str] = "licence"
    project_id: str
    licence_hours: Any = 1.5
    name: str = "licence"

    @property
    def key(self) -> str:
        return f"{self.name}/{self.project_id}/{self.month}"

    def neutral(self, before: LicenceRecord | None) -> LicenceRecord:
        return dataclasses.replace(self, licence_hours=0.0)


class Mine(Extractor):
    observes = frozenset({"volume"})
    makes = (LicenceRecord,)

    @classmethod
    def from_conf(cls, conf, sources, **shared):
        return cls()

    def extract(self, ask: Ask) -> Iterator[Page]:
        raise NotImplementedError


class All(Mine):
    observes = frozenset({"server", "volume", "address"})


def a_record(**changes: Any) -> LicenceRecord:
    return LicenceRecord(**{"measured_at": AT, "known_at": AT, "project_id": "p1"} | changes)


def a_claim(**changes: Any) -> Evidence[ServerState]:
    """A claim about a server that is seen at AT."""
    claim = Evidence(seen_server(at=AT).state, hours(1), hours(2), AT, Source.NOTIFICATION)
    return dataclasses.replace(claim, **changes)


def test_what_can_be_kept_has_no_fault():
    odd = (OddObject("volume", "v", None, "?"), OddObject("licence", "l", "p1", "?"))
    seen = (seen_server(at=AT), seen_volume(at=AT), seen_address(at=AT))

    assert list(faults(All(), Page(seen, odd, inventory=frozenset({"server"}), records=(a_record(),)))) == []


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        (seen_volume(at=AT), "yields a VolumeSeen, and no Page"),
        (Page(({"id": 1},)), "tells of a dict"),
        (Page((seen_server(at=AT),)), "'server' is not in its observes"),
        (Page((seen_volume(at=AT, created=NAIVE, unchanged_since=AT),)), "created carries no time zone"),
        (Page((seen_volume(at=AT, uuid=5),)), "uuid is 5: Input should be a valid string"),
        (Page((seen_volume(at=AT, size_gib=1.5),)), "size_gib is 1.5: Input should be a valid integer"),
        (Page((seen_volume(at=AT, size_gib="10"),)), "size_gib is '10'"),
        (Page((seen_volume(at=AT, type=1),)), "type is 1"),
        (Page((dataclasses.replace(seen_volume(at=AT), state=VolumeState(1, None, 5)),)), "project_id is 5"),
        (Page((seen_volume(at=AT, name="\ud800"),)), "surrogates not allowed"),
        (Page(one for one in (seen_volume(at=AT),)), "its seen is a generator, and no tuple"),
        (Page(odd=iter(())), "its odd is a tuple_iterator, and no tuple"),
        (Page(records=None), "its records is a NoneType, and no tuple"),
        (Page(inventory=["volume"]), "its inventory is a list, and no frozenset"),
        (Page(unfinished={"p1"}), "its unfinished is a set, and no Mapping"),
        (Page(unfinished={"p1": None}), "its unfinished has None of 'p1', and no text"),
        (Page(doubt=5), "its doubt is a int, and no str"),
        (Page(odd=("v",)), "odd holds a str"),
        (Page(odd=(OddObject("volume", 5, "p1", "?"),)), "object_id is 5"),
        (Page(odd=(OddObject("volume", "v", "p1", ValueError("?")),)), "reason is ValueError"),
        (Page(inventory=frozenset({"share"})), "inventory is of 'share'"),
        (Page(records=(a_record(measured_at=NAIVE),)), "measured_at carries no time zone"),
        (Page(records=(a_record(name="license"),)), "does not begin with its kind"),
        (Page(odd=(OddObject("volume", "\ud800", "p1", "?"),)), "object_id is '\\ud800', which no database keeps"),
        (Page(odd=(OddObject("volume", "v" * 256, "p1", "?"),)), "which is longer than 255 characters"),
        (Page(odd=(OddObject("volume", "v", "p\x00", "?"),)), "project_id is 'p\\x00', which no database keeps"),
        (Page(records=(a_record(project_id="\ud800"),)), "which no database keeps"),
        (Page(records=(a_record(project_id="p" * 600),)), "which is longer than 512 characters"),
        (Page(records=(a_record(licence_hours={1}),)), "its content is no JSON"),
        (Page(records=(a_record(licence_hours=float("nan")),)), "its content is no JSON"),
    ],
)
def test_what_cannot_be_kept_is_named(page, fault):
    (found,) = faults(Mine(), page)

    assert fault in found


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ((a_claim(since=NAIVE),), "told has a since that carries no time zone"),
        ((a_claim(told_at=NAIVE),), "told has a told_at that carries no time zone"),
        ((a_claim(since=hours(3), until=hours(2)),), "ends before it begins"),
        ((a_claim(source="hearsay"),), "told.0.source is 'hearsay'"),
        (({"since": AT},), "told.0"),
        (iter(()), "told is a tuple_iterator, and no tuple"),
    ],
)
def test_what_is_told_of_the_past_of_a_server_must_be_of_times_that_can_be_compared(told, fault):
    page = Page((dataclasses.replace(seen_server(at=AT), told=told),))

    assert fault in next(faults(All(), page))


def test_what_is_told_of_the_past_of_a_server_can_be_kept():
    page = Page((dataclasses.replace(seen_server(at=AT), told=(a_claim(), a_claim(since=hours(2), until=AT))),))

    assert list(faults(All(), page)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "\N{SNOWMAN}"},
        {"state": ServerState("ACTIVE", "p1", Flavor("gpu", 1.5, 1, 1, accelerators=(Accelerator("GPU", "A100", 2),)))},
        {"public_ip_count": 2**70},
        {"seen_at": AT.astimezone(timezone(timedelta(hours=2)))},
    ],
)
def test_a_server_with_something_rare_is_tried_and_can_be_kept(changes):
    page = Page((seen_server(at=AT), dataclasses.replace(seen_server(at=AT), **changes)))

    assert list(faults(All(), page)) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"name": 5}, "name is 5"),
        ({"launched": 1}, "launched is 1"),
        ({"public_ip_count": 1.5}, "public_ip_count is 1.5"),
        ({"state": ServerState("ACTIVE", "p1", Flavor("m1", float("nan"), 1, 1))}, "state.flavor.vcpus is None"),
        ({"state": ServerState("ACTIVE", "p1", Flavor("m1", 1, 1, 1, accelerators=(Accelerator("GPU", 5, 2),)))}, "model is 5"),
        ({"source": "poll of mine"}, "source is 'poll of mine'"),
    ],
)
def test_one_server_among_many_that_cannot_be_kept_is_named(changes, fault):
    many = [seen_server(at=AT, uuid=f"s{number}") for number in range(5)]
    page = Page((*many, dataclasses.replace(seen_server(at=AT, uuid="odd"), **changes)))

    (found,) = faults(All(), page)

    assert found.startswith("server odd: ")
    assert fault in found


def test_a_record_of_a_kind_that_it_does_not_make_is_a_fault():
    class Silent(Mine):
        makes = ()

    (found,) = faults(Silent(), Page(records=(a_record(),)))

    assert "not in its makes" in found


def test_times_of_another_zone_are_taken():
    assert AT.tzinfo is UTC
    assert list(faults(Mine(), Page((seen_volume(at=AT, created=datetime.fromisoformat("2026-01-01T02:00:00+02:00")),)))) == []
