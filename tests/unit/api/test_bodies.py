"""Requests that nobody should send: each is answered with what is wrong with it, and leaves a store that can be read."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from caso.api.settings import Settings
from caso.errors import SourceError, StoreError
from caso.store import open_store
from tests.unit.api.calling import HERE, PERIOD, Api, instance, volume
from tests.unit.store.building import url

DATES = st.sampled_from(
    [
        "2026-01-01T12:00:00Z",
        "2026-01-01T12:00:00.5Z",
        "2026-01-01",
        "12",
        "",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ]
)
WORDS = st.sampled_from(["i1", "v1", "t1", "f1", "x" * 256, "nul\0", "half \ud800", "é", "10", "99999999999999999999"])
PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), DATES, WORDS)
ANYTHING = st.recursive(
    PLAIN,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)
WRITING = {
    ("POST", "/v1/project/p1/instance"): instance("i2"),
    ("DELETE", "/v1/instance/i1"): {"date": "2026-01-01T12:00:00Z"},
    ("PUT", "/v1/instance/i1/resize"): {"date": "2026-01-01T12:00:00Z", "flavor": "f2"},
    ("PUT", "/v1/instance/i1/rebuild"): {"rebuild_date": "2026-01-01T12:00:00Z", "distro": "d", "version": "v", "os_type": "o"},
    ("POST", "/v1/project/p1/volume"): volume("v2"),
    ("DELETE", "/v1/volume/v1"): {"date": "2026-01-01T12:00:00Z"},
    ("PUT", "/v1/volume/v1/resize"): {"date": "2026-01-01T12:00:00Z", "size": 20},
    ("PUT", "/v1/volume/v1/attach"): {"date": "2026-01-01T12:00:00Z", "attachments": ["i1"]},
    ("PUT", "/v1/volume/v1/detach"): {"date": "2026-01-01T12:00:00Z", "attachments": []},
    ("PUT", "/v1/entity/instance/i1"): {
        "name": "n",
        "flavor": "f",
        "os": {"distro": "d", "version": "v", "os_type": "o"},
        "metadata": {"a": "b"},
        "start_date": "2026-01-01T11:00:00.0Z",
        "end_date": "2026-01-01T12:00:00.0Z",
    },
    ("PUT", "/v1/entity/instance/i1?start=2000-01-01 00:00:00.0"): {"name": "n", "start_date": "2026-01-01T11:00:00Z"},
    ("POST", "/v1/volume_type"): {"type_id": "t2", "type_name": "slow"},
}
"""A body for each request that writes."""


@st.composite
def bodies(draw):
    """A request that writes, with a body that is right but for some of its values, or wrong altogether."""
    (method, path), body = draw(st.sampled_from(list(WRITING.items())))
    if draw(st.integers(0, 5)) == 0:
        return method, path, draw(ANYTHING)
    wrong = draw(st.dictionaries(st.sampled_from(sorted(body)), ANYTHING, max_size=2))
    return method, path, {**body, **wrong}


def filled(store):
    api = Api(store)
    api.done("POST", "/v1/project/p1/instance", instance(), 201)
    api.done("PUT", "/v1/instance/i1/resize", {"date": "2026-01-01T11:00:00Z", "flavor": "f2"})
    api.done("POST", "/v1/project/p1/volume", volume(), 201)
    return api


def listed(api):
    """That all can be read still; nothing in the answer is beyond JSON."""
    answer = api.call("GET", f"/v1/project/p1/entities?{PERIOD}")
    assert answer.status_code == 200
    return json.loads(answer.data, parse_constant=pytest.fail)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(bodies(), min_size=1, max_size=6))
@example([("PUT", "/v1/entity/instance/i1", {"metadata": {"a": float("nan")}})])
@example([("PUT", "/v1/entity/instance/i1", {"metadata": {"half \ud800": "\ud800"}})])
@example([("POST", "/v1/project/p1/volume", volume("v2", size=True))])
def test_no_body_breaks_the_service_or_what_it_keeps(requests):
    with tempfile.TemporaryDirectory() as folder, open_store(url(Path(folder) / "caso.sqlite")) as store:
        api = filled(store)

        for method, path, body in requests:
            answer = api.call(method, path, raw=json.dumps(body))
            assert answer.status_code in {200, 201, 202, 400, 404}, (answer.status_code, answer.data)
            assert answer.status_code < 400 or answer.json["error"]

        assert len(listed(api)) >= 2


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(list(WRITING)), st.one_of(st.binary(max_size=40), st.text(max_size=20).map(str.encode)))
@example(("PUT", "/v1/instance/i1/resize"), b"[" * 100_000)
@example(("PUT", "/v1/instance/i1/resize"), b'"' + b"\xff" + b'"')
@example(("PUT", "/v1/instance/i1/resize"), b"1" * 10_000)
def test_what_is_no_json_object_is_an_invalid_payload(api, request_, raw):
    method, path = request_

    status, error = api.refused(method, path, raw=raw)

    assert (status, error) == (400, "Invalid parameter or payload")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["start", "end"]), st.one_of(st.text(max_size=30), DATES))
@example("start", "0001-01-01 00:00:00.0")
@example("end", "9999-12-31 23:59:59.999999")
def test_no_query_breaks_a_list(api, name, value):
    answer = api.client.get(
        "/v1/project/p1/instances",
        query_string={"start": "2026-01-01 00:00:00.0", name: value},
        headers={"X-Auth-Token": "secret"},
    )

    assert answer.status_code in {200, 400}


@pytest.mark.parametrize(("method", "path"), [request for request in WRITING if "/entity/" not in request[1]])
def test_what_is_missing_is_named(api, method, path):
    body = WRITING[method, path]
    for name in body:
        status, error = api.refused(method, path, {key: value for key, value in body.items() if key != name})
        assert (status, error) == (400, f"The '{name}' param is mandatory for the request you have made.")


@pytest.mark.parametrize("uuid", ["x" * 300, "a%00b", "%ff", "é", "a b", "..", "%2e%2e%2fetc"])
def test_ids_that_nothing_can_have_are_not_found(api, uuid):
    answers = [api.call("GET", f"/v1/entity/{uuid}"), api.call("GET", f"/v1/project/{uuid}/instances?{PERIOD}")]
    answers.append(api.call("DELETE", f"/v1/volume/{uuid}", {"date": "2026-01-01"}))

    assert answers[0].status_code == 404
    assert {answer.status_code for answer in answers} <= {200, 404}


def test_a_body_that_is_too_large_is_refused(api):
    small = Api(api.store, Settings(place=HERE, max_body_bytes=1024))

    assert small.refused("POST", "/v1/volume_type", raw=b" " * 1025) == (413, "the body of the request is too large")
    assert small.refused("POST", "/v1/volume_type", raw=b" " * 1024)[0] == 400


def test_content_types_do_not_matter(api):
    body = json.dumps(instance())

    for number, content_type in enumerate(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]):
        path = f"/v1/project/p{number}/instance"
        answer = api.call("POST", path, raw=body.replace("i1", f"i{number}"), **{"Content-Type": content_type})
        assert answer.status_code == 201, answer.data


class Broken:
    """A store that fails as a real one may."""

    def __init__(self, error):
        self.error = error

    def __getattr__(self, name):
        raise self.error


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (StoreError("store postgresql://db1/caso: down"), 503, "the store does not answer now; try again later"),
        (SourceError("keystone at db1 is down"), 503, "who asks cannot be found out now; try again later"),
        (RuntimeError("a bug at /usr/lib/caso/secret.py"), 500, "internal error"),
    ],
)
def test_what_goes_wrong_inside_is_logged_and_told_without_its_innards(error, status, told, caplog):
    api = Api(Broken(error))

    answer = api.refused("GET", "/v1/volume_types")

    assert answer == (status, told)
    assert str(error) in caplog.text


def test_an_error_says_no_more_than_it_must_of_a_page_that_there_is_not(api):
    answers = [api.call("GET", path, token=None) for path in ("/nope", "/v1/nope", "/v1/entity/instance/<script>")]

    assert [answer.status_code for answer in answers] == [404, 404, 405]
    assert all(answer.content_type == "text/html" for answer in answers)
    assert b"<script>" not in answers[2].data
    assert sorted(answers[2].headers["Allow"].split(", ")) == ["OPTIONS", "PUT"]
