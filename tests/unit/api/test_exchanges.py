"""What a real Almanach 4.1.0 answered is what caso-api answers: byte by byte, but for a table of deviations."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from caso.store import open_store
from tests.databases.fixtures import BACKENDS
from tests.unit.api.calling import Api
from tests.unit.store.building import url

EXCHANGES = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "fixtures" / "almanach" / "exchanges.jsonl").read_text().splitlines()
]


class Answer(NamedTuple):
    status: int
    content_type: str
    body: str

    @property
    def data(self):
        return json.loads(self.body)

    def telling(self, data):
        return self._replace(body=json.dumps(data, sort_keys=True))


class Deviation(NamedTuple):
    """A request that caso answers otherwise, and how: ``instead`` makes its answer of Almanach's."""

    request: str
    instead: Callable[[Answer], Answer]


JSON, EMPTY = "application/json", "text/html; charset=utf-8"
OS = {"distro": "a", "os_type": "c", "version": "b"}


def error(status, text):
    return lambda answer: Answer(status, JSON, json.dumps({"error": text}))


def done(status):
    return lambda answer: Answer(status, EMPTY, "")


def rows(change):
    """As Almanach's, with its rows changed."""
    return lambda answer: answer.telling(change(answer.data))


def with_os(row):
    return row | {"image_meta": OS, "os": OS}


def going_on(row):
    """The second row of i2, which had no end that was before its start."""
    return row | {"end": None, "last_event": "2016-01-01 19:00:00+00:00"}


def in_the_end(listed):
    """The list of all rows: i1 is there once, and could be deleted; of i2, one row was edited and one goes on."""
    once, _, edited, *others = listed
    deleted = once | {"end": "2016-01-01 18:50:00+00:00", "last_event": "2016-01-01 18:50:00+00:00"}
    second = edited | {"flavor": "f2", "start": "2016-01-01 19:00:00+00:00"}
    return [deleted, edited | {"flavor": "x"}, going_on(second), *others]


I3 = "/v1/entity/instance/i3"
IN_2016 = "start=2016-01-01 00:00:00.0&end=2016-12-31 00:00:00.0"
CLOSED = "/v1/entity/instance/i2?start=2000-01-01 00:00:00.0"

DEVIATIONS = {
    # A server that was created twice is one server.
    9: Deviation("GET /v1/project/p1/instances?start=2016-01-01 00:00:00.0&end=2016-02-01 00:00:00.0", rows(lambda r: r[:1])),
    10: Deviation("DELETE /v1/instance/i1", done(202)),
    # Nothing ends before it began; so there is one closed row only that an edit can mean.
    29: Deviation(
        "DELETE /v1/instance/i2",
        error(400, "The end 2015-01-01 18:50:00+00:00 is before the start 2016-01-01 19:00:00+00:00"),
    ),
    30: Deviation("GET /v1/entity/i2", rows(lambda r: [r[0], going_on(r[1])])),
    50: Deviation(
        f"PUT {CLOSED}",
        lambda answer: Answer(200, JSON, EXCHANGES[30]["response"]).telling(
            json.loads(EXCHANGES[30]["response"])[0] | {"flavor": "x"}
        ),
    ),
    # What os was edited to be, it is.
    **{
        number: Deviation(f"PUT {path}", rows(with_os))
        for number, path in {39: I3, 40: I3, 41: I3, 42: I3, 43: I3, 46: f"{I3}?{IN_2016}"}.items()
    },
    44: Deviation("GET /v1/entity/i3", rows(lambda r: [with_os(r[0])])),
    # A sentence in place of one that was an accident.
    54: Deviation("GET /v1/project/p1/instances", error(400, "The 'start' param is mandatory for the request you have made.")),
    # A volume type that was created twice is one.
    61: Deviation("GET /v1/volume_types", rows(lambda r: r[:1])),
    64: Deviation("DELETE /v1/volume_type/t1", done(202)),
    # Servers and volumes are counted, not rows: i1, i2, i3, v1 and v3, of which only i2 goes on.
    88: Deviation("GET /v1/info", rows(lambda r: r | {"database": {"active_entities": 1, "all_entities": 5}})),
    89: Deviation("GET /v1/project/p1/entities?start=2016-01-01 00:00:00.0&end=2017-01-01 00:00:00.0", rows(in_the_end)),
}


def recorded(exchange):
    return normal(Answer(exchange["status"], exchange["content_type"], exchange["response"]))


def normal(answer):
    """Without when it was processed, which is naive UTC."""
    body = re.sub(r'"processed": "\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?"', '"processed": "then"', answer.body)
    return answer._replace(body=body)


def expected(number):
    answer = recorded(EXCHANGES[number])
    return normal(DEVIATIONS[number].instead(answer)) if number in DEVIATIONS else answer


@pytest.fixture(params=BACKENDS)
def connection(request, tmp_path, database_of):
    if request.param == "sqlite":
        yield url(tmp_path / "caso.sqlite")
        return
    with database_of(request.param) as made:
        yield made


def replayed(store):
    api = Api(store)
    for exchange in EXCHANGES:
        body, raw = exchange["body"], exchange["raw_body"]
        data = raw if body is None else json.dumps(body)
        answer = api.client.open(exchange["url"], method=exchange["method"], headers=exchange["headers"], data=data)
        yield normal(Answer(answer.status_code, answer.content_type, answer.get_data(as_text=True)))


def test_every_recorded_exchange_is_answered_as_almanach_did(connection):
    with open_store(connection) as store:
        answers = list(replayed(store))

    assert len(EXCHANGES) == 92
    for number, answer in enumerate(answers):
        assert answer == expected(number), (number, EXCHANGES[number]["method"], EXCHANGES[number]["url"])


def test_the_bare_paths_answer_as_those_below_v1(tmp_path):
    with open_store(url(tmp_path / "caso.sqlite")) as store:
        api = Api(store)
        for number, exchange in enumerate(EXCHANGES):
            body, raw = exchange["body"], exchange["raw_body"]
            path = exchange["url"].removeprefix("/v1")
            data = raw if body is None else json.dumps(body)
            answer = api.client.open(path, method=exchange["method"], headers=exchange["headers"], data=data)
            got = normal(Answer(answer.status_code, answer.content_type, answer.get_data(as_text=True)))
            assert got == expected(number), (number, exchange["method"], path)


@pytest.mark.parametrize("number", DEVIATIONS)
def test_every_deviation_is_of_the_request_that_it_names_and_is_one(number):
    exchange = EXCHANGES[number]

    assert f"{exchange['method']} {exchange['url']}" == DEVIATIONS[number].request
    assert expected(number) != recorded(exchange)
