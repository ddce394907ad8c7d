"""Who may ask what of Almanach's API: every route, for every kind of caller."""

import pytest

from caso.api.access import PrivateKey
from caso.api.v1 import OPEN, ROUTES
from tests.unit.api.calling import KEY, PERIOD, Api, instance, volume

PATHS = {
    route: (route.method, route.path.replace("<project_id>", "p1").replace("<instance_id>", "i1").replace("<volume_id>", "v1"))
    for route in ROUTES
}
WRITING = [(method, path) for method, path in PATHS.values() if method != "GET"]
GUARDED = [(method, path) for route, (method, path) in PATHS.items() if route.handler not in OPEN]
LISTS = ("instances", "volumes", "entities")


@pytest.fixture
def filled(api):
    for project in ("p1", "p2"):
        api.done("POST", f"/v1/project/{project}/instance", instance(f"i-{project}"), 201)
        api.done("POST", f"/v1/project/{project}/volume", volume(f"v-{project}"), 201)
    api.done("POST", "/v1/volume_type", {"type_id": "t1", "type_name": "fast"}, 201)
    return api


@pytest.mark.parametrize("prefix", ["/v1", ""])
@pytest.mark.parametrize("token", [None, "", "bad"])
def test_who_is_nobody_gets_401_from_every_route_but_one(api, prefix, token):
    answers = [api.call(method, prefix + path, token=token) for method, path in GUARDED]

    assert len(answers) == len(ROUTES) - 1
    assert {(answer.status_code, answer.get_data(as_text=True), answer.content_type) for answer in answers} == {
        (401, "Unauthorized", "text/html; charset=utf-8")
    }
    assert api.call("GET", f"{prefix}/info", token=token).status_code == 200


@pytest.mark.parametrize("token", ["reader-of-p1", "nobody"])
@pytest.mark.parametrize(("method", "path"), WRITING)
def test_who_may_not_write_gets_403_before_anything_is_looked_at(api, token, method, path):
    status, error = api.refused(method, f"/v1{path}", raw="no json", token=token)

    assert (status, error) == (403, "The token of this request does not allow to write")


@pytest.mark.parametrize("what", LISTS)
def test_a_reader_of_a_project_lists_it_and_no_other(filled, what):
    own = filled.get(f"/v1/project/p1/{what}?{PERIOD}", token="reader-of-p1")
    status, error = filled.refused("GET", f"/v1/project/p2/{what}?{PERIOD}", token="reader-of-p1")

    assert {row["project_id"] for row in own} == {"p1"}
    assert (status, error) == (403, "The token of this request does not allow to read this")


@pytest.mark.parametrize("uuid", ["i", "v"])
def test_what_another_project_has_is_as_unknown_as_what_nobody_has(filled, uuid):
    token = "reader-of-p1"

    assert [row["entity_id"] for row in filled.get(f"/v1/entity/{uuid}-p1", token=token)] == [f"{uuid}-p1"]
    assert filled.refused("GET", f"/v1/entity/{uuid}-p2", token=token) == filled.refused("GET", "/v1/entity/no", token=token)
    heads = [filled.call("HEAD", f"/v1/entity/{uuid}-{project}", token=token).status_code for project in ("p1", "p2")]
    assert heads == [200, 404]


def test_volume_types_are_for_everybody_who_may_read_something(filled):
    assert [one["volume_type_id"] for one in filled.get("/v1/volume_types", token="reader-of-p1")] == ["t1"]
    assert filled.get("/v1/volume_type/t1", token="reader-of-p1")["volume_type_name"] == "fast"
    assert filled.call("GET", "/v1/volume_types", token="nobody").status_code == 403


def test_who_has_no_role_reads_nothing(filled):
    asked = [*(f"/v1/project/p1/{what}?{PERIOD}" for what in LISTS), "/v1/volume_types", "/v1/volume_type/t1", "/v1/entity/i-p1"]

    statuses = [filled.call("GET", path, token="nobody").status_code for path in asked]

    assert statuses == [403] * 6


def test_the_private_key_reads_and_writes_all(api):
    keyed = Api(api.store, access=PrivateKey("a long random text"))

    assert keyed.call("POST", "/v1/project/p1/instance", instance(), token="a long random text").status_code == 201
    assert keyed.call("GET", "/v1/entity/i1", token="a long random text").status_code == 200
    assert keyed.call("GET", "/v1/entity/i1", token=KEY).status_code == 401
