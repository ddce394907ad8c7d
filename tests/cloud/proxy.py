"""A proxy in front of each service, in threads of the test process.

It notes every request, knows the project of its token, and makes faults happen. Threads and the
standard library, because a blocking handler reads from top to bottom and the test sees its notes
without any protocol; it adds about a millisecond.
"""

import contextlib
import http.client
import json
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.cloud.faults import Call, Calls, Fault, Faults

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "server", "date"}


class Answer(NamedTuple):
    """What a service said, its body whole."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)


class Proxy:
    """Listens once for each service; ``urls`` tells where."""

    def __init__(
        self,
        upstream: Mapping[str, int],
        tls: ssl.SSLContext | None = None,
        adds: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """``upstream`` has the port of each service, ``adds`` the headers that its requests are given besides.

        With ``tls`` clients have to speak it.
        """
        self.faults = Faults()
        self._scheme = "https" if tls else "http"
        self._projects: dict[str, str] = {}
        self._listeners: list[Calls] = []
        self._lock = threading.Lock()
        self._servers = {name: _Server(self, name, port, tls, (adds or {}).get(name, {})) for name, port in upstream.items()}
        for name, server in self._servers.items():
            threading.Thread(target=server.serve_forever, args=(0.05,), name=f"proxy-{name}", daemon=True).start()

    @classmethod
    @contextlib.contextmanager
    def before(cls, urls: Mapping[str, str], tls: ssl.SSLContext) -> Iterator[Self]:
        """One more, that speaks TLS before what does not."""
        proxy = cls({name: urlsplit(url).port or 80 for name, url in urls.items()}, tls)
        try:
            yield proxy
        finally:
            proxy.stop()

    @property
    def urls(self) -> dict[str, str]:
        """Where clients reach each service, without a path."""
        return {name: f"{self._scheme}://127.0.0.1:{server.server_address[1]}" for name, server in self._servers.items()}

    @contextlib.contextmanager
    def calls(self) -> Iterator[Calls]:
        """The requests answered within the block."""
        mine = Calls()
        with self._lock:
            self._listeners.append(mine)
        try:
            yield mine
        finally:
            with self._lock:
                self._listeners = [other for other in self._listeners if other is not mine]

    def stop(self) -> None:
        """Listen no more."""
        for server in self._servers.values():
            server.shutdown()
            server.server_close()

    @property
    def tokens(self) -> list[str]:
        """Those that were given out through the proxy, for a project."""
        return list(self._projects)

    def project_of(self, token: str | None) -> str | None:
        """The project a token is for, if it was got through the proxy."""
        return self._projects.get(token or "")

    def note(self, call: Call, answer: Answer | None) -> None:
        """Remember a request and, if the answer is a new token, what it is for."""
        if answer and answer.status == 201 and call.path.endswith("/v3/auth/tokens"):
            project = json.loads(answer.body)["token"].get("project")
            if project:
                self._projects[answer.header("x-subject-token") or ""] = project["id"]
        with self._lock:
            for listener in self._listeners:
                listener.append(call)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self, proxy: Proxy, service: str, upstream_port: int, tls: ssl.SSLContext | None, adds: Mapping[str, str]
    ) -> None:
        self.proxy = proxy
        self.adds = adds
        self.service = service
        self.upstream_port = upstream_port
        super().__init__(("127.0.0.1", 0), _Handler)
        if tls:
            # Who takes its time over the handshake keeps its own thread busy, not the one that accepts.
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client which hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client, and one to the service which belongs to it."""

    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    ahead = 0.0

    def setup(self) -> None:
        super().setup()
        self.upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream_port)

    def finish(self) -> None:
        self.upstream.close()
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date header, by the clock of a service that may be wrong."""
        return super().date_time_string((time.time() if timestamp is None else timestamp) + self.ahead)

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        proxy = self.server.proxy
        call = Call(
            self.server.service,
            self.command,
            self.path,
            project_id=proxy.project_of(self.headers.get("X-Auth-Token")),
        )
        fault = proxy.faults.take(call, body) or Fault()
        self.ahead = fault.ahead
        time.sleep(fault.delay)
        if fault.silent:
            self._say_nothing()
            proxy.note(call, None)
            return
        self.path = _path_with_habits(self.path, fault)
        answer = _failure(fault) if fault.status else self._ask(body)
        status = None if fault.reset else answer.status
        proxy.note(call_with(call, status), answer)
        self._reply(_damaged(answer, fault), fault)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve

    def _ask(self, body: bytes) -> Answer:
        try:
            return self._ask_once(body)
        except (http.client.RemoteDisconnected, ConnectionError):
            self.upstream.close()  # it had been idle for too long, or the service was restarted
            return self._ask_once(body)

    def _ask_once(self, body: bytes) -> Answer:
        self.upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("connection", "keep-alive"):
                self.upstream.putheader(name, value)
        for name, value in self.server.adds.items():
            self.upstream.putheader(name, value)
        self.upstream.endheaders(body or None)
        response = self.upstream.getresponse()
        content = response.read()
        return Answer(response.status, response.reason, response.getheaders(), content)

    def _reply(self, answer: Answer, fault: Fault) -> None:
        self.send_response(answer.status, answer.reason)
        for name, value in answer.headers:
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        if answer.status not in (204, 304):
            length = answer.header("content-length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(answer.body)))
        self.end_headers()
        if fault.reset:
            self._break_off(answer.body)
        else:
            self.wfile.write(answer.body)
        self.wfile.flush()

    def _say_nothing(self) -> None:
        """Until the client hangs up."""
        self.close_connection = True
        select.select([self.connection], [], [])

    def _break_off(self, body: bytes) -> None:
        """Send half of the body, then a TCP reset instead of the rest."""
        self.wfile.write(body[: len(body) // 2])
        self.wfile.flush()
        linger_no_time = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_no_time)
        self.connection.close()
        self.close_connection = True


def call_with(call: Call, status: int | None) -> Call:
    """The same call, answered."""
    return Call(call.service, call.method, call.path, status, call.project_id)


def _failure(fault: Fault) -> Answer:
    """An answer in the form OpenStack's services give to errors."""
    status = fault.status or 500
    headers = [("Content-Type", "application/json")]
    if fault.retry_after is not None:
        headers.append(("Retry-After", str(fault.retry_after)))
    error = {"error": {"code": status, "message": fault.says, "title": "Fault"}}
    return Answer(status, "Fault", headers, json.dumps(error).encode())


def _damaged(answer: Answer, fault: Fault) -> Answer:
    """The answer with a body that ends early, is no JSON or has rows twice, if the fault says so."""
    body = answer.body
    if fault.repeat:
        told = json.loads(body)
        # Gnocchi's answers are bare lists.
        twice = _twice(told) if isinstance(told, list) else told | {name: _twice(value) for name, value in told.items()}
        body = json.dumps(twice).encode()
    if fault.truncate is not None:
        body = body[: fault.truncate]
    if fault.malformed:
        body = b"<html>" + body
    return answer._replace(body=body)


def _twice(value: Any) -> Any:
    """Each row two times; what is no list of rows stays."""
    if isinstance(value, list) and all(isinstance(row, dict) and "id" in row for row in value):
        return [row for row in value for _ in range(2)]
    return value


def _path_with_habits(path: str, fault: Fault) -> str:
    """The path that a service heeds which lists less at once than it is asked for, or forgets where to go on."""
    if not (fault.limit or fault.forgetful):
        return path
    parts = urlsplit(path)
    query = [
        (name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != "limit" or not fault.limit
    ]
    query = [(name, value) for name, value in query if name != "marker" or not fault.forgetful]
    return f"{parts.path}?{urlencode([*query, *([('limit', str(fault.limit))] if fault.limit else [])])}"
