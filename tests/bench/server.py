"""``python -m tests.bench.server FOLDER``: a cloud of prepared answers on a loopback port, which it prints."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.bench.pages import token

ELSEWHERE = "elsewhere"
"""The file with the URL of each type of service that is another process."""


class Answers(BaseHTTPRequestHandler):
    """Knows no OpenStack: the path says which file is the answer."""

    protocol_version = "HTTP/1.1"
    # The headers go out with the body, not before it.
    wbufsize = -1
    folder: Path

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        words = [word for word in url.path.split("/") if word]
        name = words[-2] if words[-1] == "detail" else words[-1]
        if name in ("v2.1", "v3"):
            # The document of its versions.
            name = words[0]
        if name == "servers":
            name = self._page(parse_qs(url.query))
        file = self.folder / name
        if file.is_file():
            self._answer(200, file.read_bytes())
        else:
            self._answer(404, b'{"error": {"message": "nothing is prepared for it"}}')

    def _page(self, query: dict[str, list[str]]) -> str:
        if "changes-since" in query:
            return "unchanged"
        marker = query.get("marker", [""])[0]
        return f"servers/{(self.folder / 'servers' / marker).read_text()}" if marker else "servers/0"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        project = asked["auth"].get("scope", {}).get("project", {}).get("id", "")
        file = self.folder / ELSEWHERE
        elsewhere = json.loads(file.read_text()) if file.is_file() else {}
        body = json.dumps(token(f"http://{self.headers['Host']}/v3", project, elsewhere)).encode()
        self._answer(201, body, {"X-Subject-Token": "token"})

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json", "Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def main(folder: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Prepared", (Answers,), {"folder": folder}))
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
