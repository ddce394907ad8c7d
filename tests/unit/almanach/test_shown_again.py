"""Rows that were moved in are the rows that caso-api shows."""

from functools import reduce

import pytest
from hypothesis import given

from caso.almanach.documents import read
from caso.almanach.lives import sightings
from caso.almanach.rows import straighten
from caso.api.rows import rows
from caso.api.settings import RowRules
from caso.lifecycle.server import Flavor
from caso.store.kinds import KINDS
from tests.unit.almanach.database import Almanach, exported, instance, minutes, volume
from tests.unit.almanach.test_rows import histories

RULES = RowRules(metadata=frozenset({"billed_to", "a.b"}), image_meta=frozenset({"distro", "version"}))
SHOWN = ("entity_id", "entity_type", "project_id", "start", "end", "last_event", "name")
OWN = {"instance": ("flavor", "image_meta", "os", "metadata"), "volume": ("size", "volume_type", "attached_to")}


def told(documents):
    """What the users of Almanach saw of documents."""
    times = ("start", "end", "last_event")
    return [
        {name: str(one[name]) if name in times and one[name] else one[name] for name in (*SHOWN, *OWN[one["entity_type"]])}
        for one in documents
    ]


def shown(documents):
    """What caso-api shows of documents once they are moved in."""
    found = [read(line).row for line in exported(documents)]
    kind = found[0].kind
    seen = sightings(straighten(found), None, lambda row: Flavor(row.flavor, 0, 0, 0))
    entity = reduce(KINDS[kind].observe, seen, None)
    asked = [row.document() for row in rows(kind, entity, RULES)]
    return [{name: one[name] for name in (*SHOWN, *OWN[one["entity_type"]])} for one in asked]


UBUNTU, DEBIAN = ({"image_meta": image, "os": image} for image in ({"distro": "ubuntu", "version": "14"}, {"distro": "debian"}))

KEPT = {
    "one that lives": [instance(minutes(0))],
    "one that ended": [instance(minutes(0), minutes(9))],
    "one that was built anew": [instance(minutes(0), minutes(5), **UBUNTU), instance(minutes(5), **DEBIAN)],
    "one that has meta data": [instance(minutes(0), metadata={"billed_to": "us", "a.b": "c"})],
    "one that has no name": [instance(minutes(0), name=None)],
    "two names": [instance(minutes(0), minutes(5)), instance(minutes(5), flavor="large", name="other")],
    "a volume": [volume(minutes(0), minutes(5))],
    "a volume without a type": [volume(minutes(0), volume_type=None)],
    "a volume that grew": [volume(minutes(0), minutes(5)), volume(minutes(5), size=20)],
    "a volume that was attached": [volume(minutes(0), minutes(5)), volume(minutes(5), attached_to=["s1"])],
    "a volume that was attached from the beginning": [volume(minutes(0), minutes(5), attached_to=["s1"])],
    "a volume that was attached, grew, was detached and ended": [
        volume(minutes(0), minutes(5)),
        volume(minutes(5), minutes(7), attached_to=["s1"]),
        volume(minutes(7), minutes(9), size=20, attached_to=["s1"]),
        volume(minutes(9), minutes(30), size=20),
    ],
}


@pytest.mark.parametrize("name", KEPT)
def test_what_almanach_kept_is_shown_as_it_showed_it(name):
    assert shown(KEPT[name]) == told(KEPT[name])


@given(messages=histories())
def test_the_rows_of_any_history_are_shown_as_almanach_showed_them(messages):
    documents = Almanach().take(messages)

    assert shown(documents) == told(documents)


def test_rows_between_which_nothing_changed_are_one():
    documents = [volume(minutes(0), minutes(5)), volume(minutes(5))]

    assert shown(documents) == told([volume(minutes(0))])


def test_a_server_that_lived_no_time_is_not_shown():
    assert shown([instance(minutes(0), minutes(0))]) == []
