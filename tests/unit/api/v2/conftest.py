"""A store with some lives in it, and the real app before it."""

from collections.abc import Iterator

import pytest

from caso.api.access import ALL, Caller
from caso.api.app import create_app
from caso.api.settings import Settings
from caso.lifecycle import server as servers
from caso.lifecycle.notice import VolumeType
from caso.lifecycle.server import Accelerator, Flavor, ServerState
from caso.lifecycle.written import Field, Written
from caso.store import Place, Store, open_store
from caso.testing.entities import BIG, CREATED, hours, seen_server, seen_volume

PLACE = Place("cloud", "RegionOne")
NOW = hours(50 * 24)
"""In February: January is over."""

RESIZED, ENDED, ODD, WRITTEN, GROWN, GIVEN_AWAY = "resized", "ended", "odd", "written", "grown", "given-away"
GPUS = Flavor("gpu.large", vcpus=0.5, memory_mib=1024, disk_gib=0, accelerators=(Accelerator("GPU", "A100", 2),))

TOKENS = {"all": ALL, "one": Caller(project_id="project-1"), "two": Caller(project_id="project-2"), "nothing": Caller()}


class Known:
    """Callers by the token that they send."""

    def caller(self, environ):
        return TOKENS.get(environ.get("HTTP_X_AUTH_TOKEN"))


@pytest.fixture
def store(tmp_path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/caso.sqlite")
    yield opened
    opened.database.close()


@pytest.fixture
def filled(store):
    """Servers that were resized, suspended, ended, written by hand; a volume that grew, and one that was given away."""
    seen = [
        seen_server(at=hours(1), uuid=RESIZED),
        seen_server(at=hours(5), uuid=RESIZED, unchanged_since=hours(4), flavor=BIG, name="new name"),
        seen_server(at=hours(3), uuid=ENDED, created=hours(2), status="SUSPENDED"),
        seen_server(at=hours(7), uuid=ENDED, created=hours(2), status="SUSPENDED", ended=hours(6)),
        seen_server(at=hours(3), uuid=ODD, created=hours(2.5), flavor=GPUS, name=None),
    ]
    store.observe(PLACE, seen, by="nova")
    grown = [
        seen_volume(at=hours(1), uuid=GROWN),
        seen_volume(at=hours(24), uuid=GROWN, unchanged_since=hours(20), size_gib=30, server_ids=("b", "a")),
        seen_volume(at=hours(4), uuid=GIVEN_AWAY, created=hours(3), type=None),
        seen_volume(at=hours(10), uuid=GIVEN_AWAY, created=hours(3), unchanged_since=hours(8), project_id="project-2", type=None),
    ]
    store.observe(PLACE, grown, by="cinder")
    entry = Written.of("request-1", hours(30), hours(12), Field.NAME, "by hand")
    state = ServerState("ACTIVE", "project-1", Flavor("m1.written", 0, 0, 0))
    store.lives.write(PLACE, "server", WRITTEN, lambda known: servers.as_written(WRITTEN, state, hours(11), hours(30), [entry]))
    store.volume_types.put(PLACE, [VolumeType("t-1", "standard", CREATED), VolumeType("t-2", "old", CREATED, deleted=True)])
    return store


@pytest.fixture
def app(filled):
    return create_app(filled, Settings(), Known(), lambda: NOW)


@pytest.fixture
def ask(app):
    """The status and the document that a question gets, put with everybody's token unless another one is given."""
    client = app.test_client()

    def asked(path, token="all", **query):
        headers = {} if token is None else {"X-Auth-Token": token}
        answer = client.get(f"/v2{path}", query_string=query, headers=headers)
        return answer.status_code, answer.get_json()

    return asked
