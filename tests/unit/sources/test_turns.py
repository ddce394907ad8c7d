"""Threads that ask at once: how many questions are with a service at a time, and how many tokens are asked for."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from caso.deadline import Deadline
from caso.errors import SourceError
from caso.sources.manners import Manners
from caso.sources.session import Access
from caso.sources.traffic import Traffic
from tests.unit.sources.serving import Serving, at_once, serving

SERVERS = {"/nova/servers": {"servers": []}}


def access_to(server: Serving, traffic: Traffic | None = None, **options: str) -> Access:
    return Access("v3password", server.login | options, manners=Manners(traffic))


def asking(opened: Access, scope: str, service_type: str = "compute") -> partial[object]:
    if service_type == "identity":
        return partial(opened.api("identity", scope).get, "/users", to="list")
    return partial(opened.api(service_type, scope, "one").get, "/servers", to="list")


def test_threads_that_need_the_same_token_at_once_ask_for_it_once():
    with serving(SERVERS, seconds=0.05) as server:
        opened = access_to(server)

        at_once(*(asking(opened, scope, kind) for scope in ("p", "q") for kind in ("compute", "identity") for _ in range(6)))

    assert server.logins == {"p": 1, "q": 1}
    assert len(server.asked) == 24


@pytest.mark.parametrize("auth_type", ["password", "v3password"])
def test_a_token_is_asked_for_once_whichever_plug_in_asks(auth_type: str):
    with serving(SERVERS, seconds=0.05) as server:
        opened = Access(auth_type, server.login | {"project_id": "p"})

        at_once(*(partial(opened.roles, "p") for _ in range(8)))

    assert server.logins == {"p": 1}


def test_no_service_is_asked_more_at_a_time_than_it_may_be():
    with serving(SERVERS, seconds=0.02) as server:
        opened = access_to(server, Traffic(at_once=3))

        at_once(*(asking(opened, f"p{number}", kind) for number in range(12) for kind in ("compute", "identity")))

    assert server.most == {"keystone": 3, "nova": 3}
    assert len(server.asked) == 24


def test_a_service_that_hangs_holds_back_none_that_needs_no_token_from_it():
    with serving(SERVERS) as server:
        opened = access_to(server, Traffic(at_once=2))
        asking(opened, "p")()
        server.hanging.add("keystone")
        waiting = [threading.Thread(target=asking(opened, "p", "identity")) for _ in range(4)]
        for thread in waiting:
            thread.start()
        server.wait_for("keystone", 2)

        assert asking(opened, "p")() == {"servers": []}

        assert server.here["keystone"] == 2
        server.freed.set()
        for thread in waiting:
            thread.join(60)
    assert server.most["keystone"] == 2
    assert server.asked.count("/v3/users") == 4


def test_at_the_deadline_nobody_waits_for_a_turn_any_more():
    with serving(SERVERS) as server:
        opened = access_to(server, Traffic(Deadline(2), at_once=1))
        asking(opened, "p")()
        server.hanging.add("nova")

        with pytest.raises(SourceError, match=r"this run has asked for 2 s, as long as it may \(deadline\)"):
            at_once(*(asking(opened, "p") for _ in range(5)))

        # Who gives up an instant before the deadline leaves his place to one more, and to no third.
        assert server.here["nova"] in (1, 2)
        assert len(server.asked) <= 3
        server.freed.set()
