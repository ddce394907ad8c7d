"""What was moved in from Almanach's database is shown as Almanach showed it."""

import dataclasses
import json
from datetime import UTC, datetime

import pytest

from caso.almanach.flavors import FlavorBook
from caso.almanach.importing import move_in
from caso.api.settings import RowRules
from tests.unit.almanach.database import a_file, instance, minutes, volume
from tests.unit.api.calling import HERE, SETTINGS, Api
from tests.unit.api.test_exchanges import EXCHANGES

SHOWING = dataclasses.replace(
    SETTINGS, rules=RowRules(image_meta=frozenset({"distro", "version", "os_type"}), metadata=frozenset({"team"}))
)
UBUNTU, DEBIAN = {"distro": "Ubuntu"}, {"distro": "Debian"}
LIVES = {
    "a server that was resized, rebuilt and deleted": [
        instance(minutes(0), minutes(60), image_meta=UBUNTU, os=UBUNTU, metadata={"team": "a"}),
        instance(minutes(60), minutes(90), "large", image_meta=UBUNTU, os=UBUNTU, metadata={"team": "a"}),
        instance(minutes(90), minutes(99), "large", image_meta=DEBIAN, os=DEBIAN, metadata={"team": "a"}),
    ],
    "a server that goes on": [instance(minutes(0), flavor="nobody knows it")],
    "a volume that was attached when it was young": [volume(minutes(0), attached_to=["s1"], last_event=minutes(0.5))],
    "a volume that was attached and detached, and attached to more": [
        volume(minutes(0), minutes(10)),
        volume(minutes(10), minutes(30), attached_to=["s1", "s2"]),
        volume(minutes(30), minutes(40)),
        volume(minutes(40), attached_to=["s3", "s4"], last_event=minutes(50)),
    ],
    "a volume that was resized while it was attached": [
        volume(minutes(0), minutes(5)),
        volume(minutes(5), minutes(30), attached_to=["s1"]),
        volume(minutes(30), minutes(31), size=20, attached_to=["s1"]),
    ],
    "a volume whose last row Almanach deleted": [
        volume(minutes(0), minutes(30)),
        volume(minutes(30), minutes(30.5), size=20),
    ],
}


def recorded(number):
    """The documents of a recorded answer."""
    times = ("start", "end", "last_event", "processed")
    rows = json.loads(EXCHANGES[number]["response"])
    return [row | {name: row[name] and datetime.fromisoformat(row[name]).replace(tzinfo=UTC) for name in times} for row in rows]


def shown(documents):
    """The documents as the API has them, but for when they were processed."""
    return [
        {name: str(value) if isinstance(value, datetime) else value for name, value in document.items() if name != "processed"}
        for document in documents
    ]


@pytest.mark.parametrize(
    "documents",
    [
        *(pytest.param(documents, id=life) for life, documents in LIVES.items()),
        *(pytest.param(recorded(number), id=f"exchange {number}") for number in (4, 15, 72, 74, 77, 79, 83, 85)),
    ],
)
def test_rows_come_back_as_they_were(api, documents):
    assert documents
    move_in([a_file(documents)], api.store, HERE, FlavorBook(api.store, lambda name: None), pytest.fail)

    rows = Api(api.store, SHOWING).get(f"/v1/entity/{documents[0]['entity_id']}")

    assert [{name: value for name, value in row.items() if name != "processed"} for row in rows] == shown(documents)
