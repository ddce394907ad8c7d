"""Prometheus, from Debian's package, with a history that promtool wrote."""

from __future__ import annotations

import atexit
import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from tests.cloud.environment import run
from tests.cloud.faults import Calls, Faults
from tests.cloud.proxy import Proxy
from tests.cloud.services import StartError

STARTS_WITHIN_SECONDS = 60
TRIES = 3

CONF = """\
global: {scrape_interval: 1h}
scrape_configs: []
"""
KEPT = "--storage.tsdb.retention.time=100y"
"""By default Prometheus deletes what is older than 15 days."""


class Prometheus:
    """A running Prometheus, a proxy before it; ``start`` makes it, ``stop`` or the end of a ``with`` block ends it."""

    def __init__(self, work: Path, history: Iterable[str]) -> None:
        self.work = work.resolve()
        self.work.mkdir(parents=True, exist_ok=True)
        (self.work / "prometheus.yml").write_text(CONF)
        text = self.work / "history.om"
        with text.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in history)
            file.write("# EOF\n")
        # It reads all of the text anew for each block: few of them.
        run(
            "promtool",
            "tsdb",
            "create-blocks-from",
            "--quiet",
            "--max-block-duration=240h",
            "openmetrics",
            text,
            self.work / "data",
        )
        text.unlink()
        self._process: subprocess.Popen[bytes] | None = None
        self._begin()
        self._proxy = Proxy({"prometheus": self.port})

    @classmethod
    def start(cls, work: Path, history: Iterable[str]) -> Self:
        """One that knows a history: lines of OpenMetrics with times, without the end mark."""
        return cls(work, history)

    def stop(self) -> None:
        """End the process; may be called again."""
        self._kill()
        self._proxy.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where clients reach it: through the proxy, without a path."""
        return self._proxy.urls["prometheus"]

    @property
    def faults(self) -> Faults:
        """Add to it what shall go wrong; clear it afterwards."""
        return self._proxy.faults

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def calls(self) -> contextlib.AbstractContextManager[Calls]:
        """``with prometheus.calls() as calls``: the requests that clients made within the block."""
        return self._proxy.calls()

    def query(self, expression: str, at: float) -> list[dict[str, Any]]:
        """The result of an instant query, past the proxy."""
        form = {"query": expression, "time": str(at)}
        answer = requests.post(f"http://127.0.0.1:{self.port}/api/v1/query", data=form, timeout=60)
        if not answer.ok:
            raise requests.HTTPError(f"{expression}: {answer.status_code} {answer.text[:1000]}", response=answer)
        result: list[dict[str, Any]] = answer.json()["data"]["result"]
        return result

    def _begin(self) -> None:
        """Someone else may get the port first: then another one."""
        for _ in range(TRIES):
            self.port = _free_port()
            self._run()
            atexit.register(self._kill)
            if self._is_ready():
                return
            self._kill()
        raise StartError("Prometheus does not start\n" + self._log.read_text(errors="replace")[-5000:])

    def _run(self) -> None:
        # setpriv ends it with the tests, however these end.
        words = [
            *("setpriv", "--pdeathsig=KILL", "prometheus", f"--config.file={self.work}/prometheus.yml", KEPT),
            *(f"--storage.tsdb.path={self.work}/data", f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"),
        ]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def _is_ready(self) -> bool:
        until = time.monotonic() + STARTS_WITHIN_SECONDS
        while self._process is not None and self._process.poll() is None and time.monotonic() < until:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
                connection.request("GET", "/-/ready")
                if connection.getresponse().status == 200:
                    return True
            time.sleep(0.05)
        return False

    def _kill(self) -> None:
        atexit.unregister(self._kill)
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    @property
    def _log(self) -> Path:
        return self.work / "log"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
