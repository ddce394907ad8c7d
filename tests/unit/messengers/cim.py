"""GreenDIGIT's CIM service on loopback: accounts, tokens, submissions, and faults to order."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs

EMAIL = "accounting@example.org"
PASSWORD = 'p%ss/w&rd ü@"x'
API = "/gd-cim-api/v1"
PAGE = '<html><body><div class="token-value" id="access-token">\n   {token}\n  </div></body></html>'


class Request(NamedTuple):
    """What was asked: its line, its token, its body."""

    line: str
    authorization: str | None
    body: bytes


class Reply(NamedTuple):
    """A status, a body that is JSON or text, and more headers."""

    status: int
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()


class CimServer(ThreadingHTTPServer):
    """Gives tokens at ``/token``, to who posts JSON; or, ``by_form``, as a page for people at ``/login``.

    A submission in which a record is ``bad`` is refused as a whole, by no name. ``replies`` answer the next submissions in
    place of the service, ``login`` every question for a token. Once it has ``room`` for no more records, it is in trouble.
    """

    daemon_threads = True

    def __init__(self, *, by_form: bool = False, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.scheme = "https" if tls else "http"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.by_form = by_form
        self.requests: list[Request] = []
        self.tokens: list[str] = []
        self.submissions: list[list[dict[str, Any]]] = []
        self.bad: Callable[[dict[str, Any]], bool] = lambda record: False
        self.room: int | None = None
        self.replies: list[Reply] = []
        self.login: Reply | None = None
        self.seconds = 0.0
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.shutdown()
        self._thread.join(10)
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Who hangs up is the test's concern."""

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def records(self) -> list[dict[str, Any]]:
        """All that the service keeps: it never forgets and never replaces."""
        return [record for submission in self.submissions for record in submission]

    @property
    def posts(self) -> int:
        """How often somebody tried to submit something."""
        return sum(request.line == f"POST {API}/submit" for request in self.requests)

    def expire(self) -> None:
        self.tokens = [f"expired {token}" for token in self.tokens]

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        time.sleep(self.seconds)
        match request.line:
            case "POST /gd-cim-api/v1/submit":
                return self.replies.pop(0) if self.replies else self._submit(request)
            case "POST /gd-cim-api/v1/token" if not self.by_form:
                sent = json.loads(request.body)
                return self.login or self._give(sent.get("email"), sent.get("password"))
            case "POST /gd-cim-api/v1/token":
                return Reply(405, {"detail": "Method Not Allowed"})
            case "POST /gd-cim-api/v1/login" if self.by_form:
                fields = parse_qs(request.body.decode())
                return self.login or self._give(*fields.get("username", ()), *fields.get("password", ()))
        return Reply(404, {"detail": "Not Found"})

    def _give(self, *credentials: str) -> Reply:
        if credentials != (EMAIL, PASSWORD):
            return Reply(401, {"detail": f"{credentials} are invalid"})
        self.tokens.append(f"eyJ.token-{len(self.tokens)}.x")
        if self.by_form:
            return Reply(200, PAGE.format(token=self.tokens[-1]), (("Content-Type", "text/html"),))
        return Reply(200, {"access_token": self.tokens[-1], "token_type": "bearer", "expires_in": 86400})

    def _submit(self, request: Request) -> Reply:
        if request.authorization not in [f"Bearer {token}" for token in self.tokens]:
            return Reply(401, {"detail": f"Invalid token: {request.authorization}"})
        records = json.loads(request.body)
        if self.room is not None and len(self.records) + len(records) > self.room:
            return Reply(503, {"detail": "no room"})
        if any(self.bad(record) for record in records):
            return Reply(400, {"detail": f"a record makes no sense, says {request.authorization}"})
        self.submissions.append(records)
        return Reply(200, {"stored": {"ok": True}})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: CimServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        reply = self.server.answer(Request(f"POST {self.path}", self.headers["Authorization"], body))
        content = reply.body.encode() if isinstance(reply.body, str) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            **dict(reply.headers),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """The test tells what matters."""
