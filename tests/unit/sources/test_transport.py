"""Answers that do not end, are too large or break off; sockets are real."""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests
from keystoneauth1 import exceptions as ksa
from keystoneauth1.session import Session

from caso.deadline import Deadline
from caso.sources.failure import AnswerTooLargeError, may_pass
from caso.sources.session import new_session
from caso.sources.traffic import Calls, Traffic
from caso.sources.transport import Transport

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def serving(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """The URL of a server that reads a request, and then does what ``talk`` does."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    try:
                        while connection.recv(65536):
                            talk(connection)
                    except OSError:
                        continue

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


def answer(body: bytes, more: bytes = b"") -> bytes:
    return HEAD + b"Content-Length: %d\r\n" % len(body) + more + b"\r\n" + body


def through(transport: Transport) -> requests.Session:
    session = requests.Session()
    session.mount("http://", transport)
    return session


def drip(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
    for _ in range(200):
        connection.sendall(b"x")
        time.sleep(0.02)


def test_an_answer_that_comes_by_the_byte_ends_in_time():
    traffic = Traffic()
    with serving(drip) as url, pytest.raises(requests.exceptions.ReadTimeout, match="did not end in time"):
        through(Transport(traffic, longest=0.2)).get(url, timeout=(1, 1))

    assert traffic.calls()["unknown"].failed == 1


def test_the_deadline_of_the_run_ends_an_answer_too():
    with serving(drip) as url, pytest.raises(requests.exceptions.ReadTimeout):
        through(Transport(Traffic(Deadline(0.2)))).get(url, timeout=(1, 1))


def test_a_server_that_never_answers_is_given_up():
    with serving(lambda connection: time.sleep(5)) as url, pytest.raises(requests.exceptions.ReadTimeout):
        through(Transport(Traffic())).get(url, timeout=(1, 0.2))


def test_no_answer_is_too_large_for_memory():
    with serving(lambda connection: connection.sendall(answer(b"x" * 5000))) as url, pytest.raises(AnswerTooLargeError):
        through(Transport(Traffic(), largest=4000)).get(url)


@pytest.mark.parametrize(
    "broken",
    [
        HEAD + b"Content-Length: 100\r\n\r\n{",
        HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n',
        b"no HTTP at all\r\n\r\n",
    ],
    ids=["length", "chunks", "words"],
)
def test_an_answer_that_breaks_off_is_an_error_that_may_pass(broken: bytes):
    def talk(connection: socket.socket) -> None:
        connection.sendall(broken)
        connection.shutdown(socket.SHUT_RDWR)

    with serving(talk) as url, pytest.raises(ksa.ConnectionError) as caught:
        new_session(timeout=2).get(url)

    assert not isinstance(caught.value, ksa.ConnectTimeout)


@pytest.mark.parametrize(
    "sent",
    [
        answer(b'{"a": "b"}'),
        HEAD + b'Transfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n6\r\n: "b"}\r\n0\r\n\r\n',
        answer(gzip.compress(b'{"a": "b"}'), b"Content-Encoding: gzip\r\n"),
    ],
    ids=["length", "chunks", "gzip"],
)
def test_an_answer_arrives_whole_and_its_connection_is_used_again(sent: bytes):
    traffic, connections = Traffic(), set()

    def talk(connection: socket.socket) -> None:
        connections.add(connection.fileno())
        connection.sendall(sent)

    with serving(talk) as url:
        session = new_session(traffic=traffic)
        with traffic.to("nova"):
            answers = [session.get(url + "v3/servers").json() for _ in range(3)]

    assert answers == [{"a": "b"}] * 3
    assert len(connections) == 1
    calls = traffic.calls()
    assert calls["nova"] == Calls(3, 0, calls["nova"].seconds)
    assert calls["nova"].seconds > 0


@pytest.mark.parametrize("target", ["http://elsewhere.test/", "//elsewhere.test/x", "https://127.0.0.2/"])
def test_a_token_is_never_sent_to_another_host(target: str):
    redirect = f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()
    with serving(lambda connection: connection.sendall(redirect)) as url, pytest.raises(ksa.ConnectionError) as caught:
        new_session().get(url, headers={"X-Auth-Token": "secret"})

    assert "it is redirected to" in str(caught.value)
    assert not may_pass(caught.value)
    assert "secret" not in str(caught.value)


def test_a_redirection_on_the_same_host_is_followed():
    answers: list[bytes] = []
    with serving(lambda connection: connection.sendall(answers.pop(0))) as url:
        redirect = f"HTTP/1.1 301 Moved\r\nLocation: {url}v3/\r\nContent-Length: 0\r\n\r\n".encode()
        answers += [redirect, answer(b'{"a": "b"}')]
        assert new_session().get(url).json() == {"a": "b"}


def test_a_token_is_keystones_whoever_asks_for_it():
    traffic = Traffic()
    with traffic.to("nova"):
        traffic.note("http://keystone/v3/auth/tokens", 0.5, failed=False)

    assert traffic.calls() == {"keystone": Calls(1, 0, 0.5)}


def test_a_session_is_keystoneauths_own_kind():
    assert isinstance(new_session(), Session)
