"""A Keystone that really listens, and one service behind it: for what only sockets and threads show."""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, BinaryIO

from tests.unit.sources.web import token


class Serving(ThreadingHTTPServer):
    """Answers ``{}`` to every GET, or what ``answers`` has for its path, after ``seconds``; counts who is with it.

    ``hanging`` services (``nova``, ``keystone``) answer nobody until ``freed``. ``logins`` are the tokens that were
    asked for, by the project that each is for; ``here`` is how many questions are with it, by service, and ``most`` how
    many were at a time.
    """

    request_queue_size = 64
    daemon_threads = True

    def __init__(self, answers: Mapping[str, Any] | None = None, seconds: float = 0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = dict(answers or {})
        self.seconds = seconds
        self.logins: Counter[str | None] = Counter()
        self.asked: list[str] = []
        self.hanging: set[str] = set()
        self.freed = threading.Event()
        self.here: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self._changed = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def login(self) -> dict[str, str]:
        """The options of the plug-in v3password for this Keystone."""
        return {"auth_url": f"{self.url}/v3", "username": "me", "password": "hunter2", "user_domain_id": "d"}

    def visit(self, service: str) -> None:
        """One question is with a service; it is answered after that, and no sooner may the next one be here."""
        with self._changed:
            self.here[service] += 1
            self.most[service] = max(self.most[service], self.here[service])
            self._changed.notify_all()
        time.sleep(self.seconds)
        if service in self.hanging:
            self.freed.wait(60)
        with self._changed:
            self.here[service] -= 1

    def wait_for(self, service: str, count: int) -> None:
        """Return once that many questions are with a service."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.here[service] >= count, timeout=60)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Serving

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        scope = body["auth"].get("scope")
        project_id = scope["project"]["id"] if isinstance(scope, dict) and "project" in scope else None
        self.server.logins[project_id] += 1
        self.server.visit("keystone")
        self._answer(201, token(project_id, f"{self.server.url}/nova"), {"X-Subject-Token": f"token of {project_id}"})

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        self.server.visit("nova" if path.startswith("/nova") else "keystone")
        self._answer(200, self.server.answers.get(path, {}), {})

    def _answer(self, status: int, body: Any, headers: Mapping[str, str]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """The test tells what matters."""


@contextmanager
def serving(answers: Mapping[str, Any] | None = None, seconds: float = 0) -> Iterator[Serving]:
    with Serving(answers, seconds) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def saying(*answers: bytes) -> Iterator[tuple[str, list[str]]]:
    """The URL of a server with these answers, the last one for ever, and the requests that it got, whole."""
    left, requests, taken = list(answers), [], []

    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    taken.append(connection)
                    with connection, connection.makefile("rb") as lines, suppress(OSError):
                        while head := _head(lines):
                            length = int(head.lower().partition("content-length: ")[2].split("\n")[0] or 0)
                            requests.append(head + "\n" + lines.read(length).decode())
                            connection.sendall(left.pop(0) if len(left) > 1 else left[0])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", requests
        finally:
            # Who waits for a peer or for a line is woken.
            for one in (server, *taken):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            thread.join(60)
            assert not thread.is_alive()


def _head(lines: BinaryIO) -> str:
    """The head of the next request; nothing where there is none."""
    read = iter(lambda: lines.readline().decode().strip("\r\n"), "")
    return "".join(f"{line}\n" for line in read)


def at_once(*deeds: Callable[[], object]) -> None:
    """Do all of them at the same time, each in a thread of its own; raises what one of them raised."""
    together = threading.Barrier(len(deeds))

    def do(deed: Callable[[], object]) -> None:
        together.wait(10)
        deed()

    with ThreadPoolExecutor(len(deeds)) as pool:
        list(pool.map(do, deeds))
