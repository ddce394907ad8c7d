"""Gnocchi: its API and its metricd, from PyPI, on a PostgreSQL database and files of its own."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import requests
from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import make_url

from tests.cloud.configs import tokens
from tests.cloud.environment import run, service_venv
from tests.cloud.faults import Calls, Faults
from tests.cloud.proxy import Proxy
from tests.cloud.services import Service, StartError

HERE = Path(__file__).parent
USER = "admin"
MAX_LIMIT = 1000
CATCHES_UP_WITHIN_SECONDS = 600

CONF = """\
[DEFAULT]
coordination_url = file://{work}/coordination
parallel_operations = 1
verbose = false
[api]
paste_config = {work}/etc/api-paste.ini
auth_mode = {auth_mode}
max_limit = {max_limit}
[indexer]
url = {database}
[storage]
driver = file
file_basepath = {work}/measures
[incoming]
driver = file
file_basepath = {work}/incoming
[metricd]
workers = {workers}
metric_processing_delay = 1
metric_reporting_delay = -1
{keystone}"""


class Keystone(NamedTuple):
    """A Keystone that guards Gnocchi: where it is, past any proxy; who publishes, by a token, and by user and project."""

    url: str
    token: str
    user_id: str
    project_id: str


class Gnocchi:
    """A running Gnocchi, a proxy before it; ``start`` makes it, ``stop`` or the end of a ``with`` block ends it."""

    def __init__(self, work: Path, database: str, *, workers: int = 1, keystone: Keystone | None = None) -> None:
        self.work = work.resolve()
        self._database = make_url(database)
        self._venv = service_venv("gnocchi", HERE / "requirements.txt")
        for name in ("etc", "log", "measures", "incoming", "coordination"):
            (self.work / name).mkdir(parents=True, exist_ok=True)
        self._workers = workers
        self._keystone = keystone
        self._configure()
        run(self._venv / "bin" / "gnocchi-upgrade", "--config-file", self._conf, "--sacks-number", "4")
        self._api = Service("gnocchi", self.work, self._venv, HERE / "entries")
        self._proxy = Proxy({"gnocchi": self._api.port})
        self._metricd: subprocess.Popen[bytes] | None = None
        self._engine = create_engine(self._database.set(drivername="postgresql+psycopg"))
        self.session = requests.Session()
        self.session.auth = None if keystone else (USER, "")
        self.session.headers.update({"X-Auth-Token": keystone.token} if keystone else {})

    @classmethod
    def start(cls, work: Path, database: str, *, workers: int = 1, keystone: Keystone | None = None) -> Self:
        """One with no resource in it, in the empty PostgreSQL database of that URL, and files in ``work``.

        ``workers`` are those of metricd: a second one helps where there is much to work on. Without Keystone its only
        user is ``admin``, who has no password.
        """
        gnocchi = cls(work, database, workers=workers, keystone=keystone)
        atexit.register(gnocchi.stop)
        try:
            gnocchi._api.start()
            gnocchi.start_metricd()
            gnocchi._api.wait()
            gnocchi.catch_up()
        except BaseException:
            gnocchi.stop()
            raise
        return gnocchi

    def stop(self) -> None:
        """End all processes; may be called again."""
        atexit.unregister(self.stop)
        self._api.close()
        self.stop_metricd()
        self._proxy.stop()
        self._engine.dispose()
        self.session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where clients reach the API: through the proxy, without a path."""
        return self._proxy.urls["gnocchi"]

    @property
    def port(self) -> int:
        """Where the API is, past the proxy."""
        return self._api.port

    @property
    def creator(self) -> str:
        """Who publishes, as Gnocchi writes it down."""
        return f"{self._keystone.user_id}:{self._keystone.project_id}" if self._keystone else USER

    @property
    def faults(self) -> Faults:
        """Add to it what shall go wrong; clear it afterwards."""
        return self._proxy.faults

    @property
    def processes(self) -> list[int]:
        """Process ids of the API and of metricd, each the leader of its group."""
        return [pid for pid in (self._api.pid, self._metricd.pid if self._metricd else None) if pid]

    def calls(self) -> contextlib.AbstractContextManager[Calls]:
        """``with gnocchi.calls() as calls``: the requests that clients made within the block."""
        return self._proxy.calls()

    def ask(self, method: str, path: str, body: Any = None, **query: str | int) -> Any:
        """What the API answers the administrator, past the proxy; HTTPError with Gnocchi's words where it refuses."""
        answer = self.session.request(method, f"{self._api.url}/v1/{path}", json=body, params=query, timeout=300)
        if not answer.ok:
            raise requests.HTTPError(f"{method} {path}: {answer.status_code} {answer.text[:1000]}", response=answer)
        return answer.json() if answer.content else None

    def reset(self) -> None:
        """As it was started: no faults, answers of the usual length, metricd at work. What was published stays."""
        self.faults.clear()
        if self._max_limit != MAX_LIMIT:
            self.restart()
        if self._metricd is None:
            self.start_metricd()

    def restart(self, *, max_limit: int = MAX_LIMIT) -> None:
        """Restart the API at the same port, with so many rows at most in an answer."""
        self._api.stop()
        self._configure(max_limit)
        self._api.start()
        self._api.wait()

    def start_metricd(self) -> None:
        """What turns measures into aggregates."""
        # setpriv ends it with the tests, however these end; cotyledon ends its workers with it.
        words = ["setpriv", "--pdeathsig=TERM", self._venv / "bin" / "gnocchi-metricd", "--config-file", self._conf]
        with (self.work / "log" / "metricd.log").open("ab") as log:
            self._metricd = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def stop_metricd(self) -> None:
        """From now on measures wait."""
        if self._metricd is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._metricd.pid, signal.SIGKILL)
        self._metricd.wait()
        self._metricd = None

    def catch_up(self) -> None:
        """Return when metricd has worked on all measures that were posted."""
        until = time.monotonic() + CATCHES_UP_WITHIN_SECONDS
        while self._waiting():
            if self._metricd is None or self._metricd.poll() is not None or time.monotonic() > until:
                raise StartError("metricd does not catch up\n" + (self.work / "log" / "metricd.log").read_text()[-5000:])
            time.sleep(0.1)

    def _waiting(self) -> bool:
        """Whether there are measures that metricd has not worked on, or there is no metricd yet."""
        if not list((self.work / "coordination").glob("groups/*")):
            return True  # no worker of metricd has ever come: asked for them, Gnocchi answers 500
        answer = self.session.get(f"{self._api.url}/v1/status", params={"details": "false"}, timeout=300)
        answer.raise_for_status()
        return int(answer.json()["storage"]["summary"]["measures"]) > 0

    @contextlib.contextmanager
    def database(self) -> Iterator[Connection]:
        """The indexer's database, to say when something was, which the API does not let anyone say; commits."""
        with self._engine.begin() as connection:
            yield connection

    @property
    def _conf(self) -> Path:
        return self.work / "etc" / "gnocchi.conf"

    def _configure(self, max_limit: int = MAX_LIMIT) -> None:
        self._max_limit = max_limit
        database = self._database.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
        # As it is delivered it looks for Keystone's options in /etc/gnocchi.
        (paste,) = self._venv.glob("lib/python*/site-packages/gnocchi/rest/api-paste.ini")
        filters = paste.read_text().replace("#auth_token\n", f"#auth_token\noslo_config_file = {self._conf}\n")
        (self.work / "etc" / "api-paste.ini").write_text(filters)
        self._conf.write_text(
            CONF.format(
                work=self.work,
                database=database,
                max_limit=max_limit,
                workers=self._workers,
                auth_mode="keystone" if self._keystone else "basic",
                keystone=tokens("nova", {"keystone": self._keystone.url}) if self._keystone else "",
            )
        )
