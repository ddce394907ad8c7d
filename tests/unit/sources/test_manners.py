"""What is asked again, after which pause, and what is not asked any more."""

import re

import pytest
import requests

from caso.deadline import Deadline
from caso.errors import SourceError
from caso.sources.manners import LIMIT, Manners
from caso.sources.traffic import Traffic
from tests.unit.sources.web import AUTH, NOVA, access, login, nova, token, web

__all__ = ["web"]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_passing_failure_is_tried_again_after_a_while_that_grows(web, status):
    pauses: list[float] = []
    web.get(f"{NOVA}/servers", [{"status_code": status}] * 3 + [{"json": {"servers": []}}])

    assert access(Manners(sleep=pauses.append)).api("compute", "p").get("/servers", to="list servers") == {"servers": []}

    assert [0.25 <= pauses[0] <= 0.75, 0.5 <= pauses[1] <= 1.5, 1 <= pauses[2] <= 3] == [True] * 3
    assert len({round(pause, 9) for pause in pauses}) == 3


def test_a_failure_that_stays_is_told_after_four_tries(web):
    web.get(f"{NOVA}/servers", status_code=503)

    with pytest.raises(SourceError, match=r"nova: cannot list servers: .*HTTP 503.*next run asks again"):
        nova().get("/servers", to="list servers")

    assert len(web.request_history) == 1 + 4


def test_a_service_that_asks_for_a_pause_gets_it(web):
    pauses: list[float] = []
    web.get(f"{NOVA}/servers", [{"status_code": 429, "headers": {"Retry-After": "7"}}, {"json": {"servers": []}}])

    access(Manners(sleep=pauses.append)).api("compute", "p").get("/servers", to="list servers")

    assert pauses == [7.0]


@pytest.mark.parametrize("after", ["3600", "Wed, 01 Jan 2999 00:00:00 GMT"], ids=["seconds", "date"])
def test_a_service_that_asks_for_a_long_pause_is_left_to_the_next_run(web, after):
    web.get(f"{NOVA}/servers", status_code=429, headers={"Retry-After": after})

    with pytest.raises(SourceError, match=r"HTTP 429.*the next run asks again"):
        nova().get("/servers", to="list servers")

    assert len(web.request_history) == 1 + 1


@pytest.mark.parametrize("after", ["soon", "-1", "Wed, 01 Jan 1999 00:00:00 GMT"])
def test_a_pause_that_cannot_be_meant_is_none(web, after):
    web.get(f"{NOVA}/servers", [{"status_code": 503, "headers": {"Retry-After": after}}, {"json": {"servers": []}}])

    assert nova().get("/servers", to="list servers") == {"servers": []}


def test_a_service_that_never_answers_is_left_alone_after_some_questions(web):
    web.get(f"{NOVA}/servers", exc=requests.exceptions.ReadTimeout)
    opened = access()

    for scope in map(str, range(LIMIT)):
        with pytest.raises(SourceError, match="timed out"):
            opened.api("compute", scope, "one").get("/servers", to=f"list servers of {scope}")
    with pytest.raises(SourceError, match="has left 5 such questions unanswered, and is not asked any more"):
        opened.api("compute", "another", "one").get("/servers", to="list servers")

    assert sum(request.method == "GET" for request in web.request_history) == LIMIT


def test_a_kind_of_question_that_is_never_answered_does_not_speak_for_the_others(web):
    web.get(re.compile("/os-instance-actions"), status_code=503)
    web.get(f"{NOVA}/servers/detail", json={"servers": []})
    one = nova()

    for number in range(LIMIT + 1):
        with pytest.raises(SourceError):
            one.get(f"/servers/{number:032x}/os-instance-actions", to=f"show what was done to server {number}")

    assert one.get("/servers/detail", to="list servers") == {"servers": []}
    asked = {request.path for request in web.request_history if request.path.endswith("/os-instance-actions")}
    assert len(asked) == LIMIT


def test_an_answer_in_between_makes_good_what_failed_before(web):
    slow = {"exc": requests.exceptions.ReadTimeout}
    web.get(f"{NOVA}/servers", [slow] * (LIMIT - 1) + [{"status_code": 403}] + [slow] * (LIMIT - 1) + [{"json": {}}])
    one = nova()

    for number in range(2 * LIMIT - 1):
        with pytest.raises(SourceError):
            one.get("/servers", to=f"list servers of {number}")

    assert one.get("/servers", to="list servers") == {}


def test_one_question_that_is_never_answered_does_not_speak_for_the_service(web):
    web.get(f"{NOVA}/servers", [{"exc": requests.exceptions.ReadTimeout}] * 2 * LIMIT + [{"json": {}}])
    one = nova()

    for _ in range(2 * LIMIT):
        with pytest.raises(SourceError, match="timed out"):
            one.get("/servers", to="list servers of project X")

    assert one.get("/servers", to="list servers of project Y") == {}


@pytest.mark.parametrize("garbled", ["<html>busy</html>", '{"token": ', "[]", '{"other": 1}'])
def test_a_token_that_cannot_be_read_is_asked_for_again(web, garbled):
    well = {"json": login, "headers": {"X-Subject-Token": "t"}}
    web.post(f"{AUTH}/auth/tokens", [{"text": garbled, "status_code": 201}, well])
    web.get(f"{NOVA}/servers", json={"servers": []})

    assert nova().get("/servers", to="list servers") == {"servers": []}


def test_a_token_that_is_never_readable_is_said_to_be_a_proxys(web):
    web.post(f"{AUTH}/auth/tokens", text="<html>busy</html>", status_code=201)

    with pytest.raises(SourceError, match=r"cannot get a token for .*see what stands before the service"):
        nova().get("/servers", to="list servers")


def test_after_the_deadline_nothing_is_asked(web):
    web.get(f"{NOVA}/servers", json={"servers": []})

    with pytest.raises(SourceError, match=r"this run has asked for 0 s, as long as it may \(deadline\)"):
        access(Manners(Traffic(Deadline(0)))).api("compute", "p").get("/servers", to="list servers")

    assert web.request_history == []


def test_a_token_request_is_tried_again_too(web):
    web.post(f"{AUTH}/auth/tokens", [{"status_code": 503}, {"json": token("p"), "headers": {"X-Subject-Token": "t"}}])
    web.get(f"{NOVA}/servers", json={"servers": []})

    assert nova().get("/servers", to="list servers") == {"servers": []}


def test_a_timeout_is_not_tried_again(web):
    web.get(f"{NOVA}/servers", exc=requests.exceptions.ReadTimeout)

    with pytest.raises(SourceError, match="raise timeout in"):
        nova().get("/servers", to="list servers")

    assert len(web.request_history) == 2


def test_a_refused_connection_is_tried_again_and_told(web):
    web.get(f"{NOVA}/servers", exc=requests.exceptions.ConnectionError("refused"))

    with pytest.raises(SourceError, match="check that the service runs"):
        nova().get("/servers", to="list servers")

    assert len(web.request_history) == 1 + 4
