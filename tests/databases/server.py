"""A database server of the tests' own: on loopback, in a temporary folder, by an ordinary user, gone with the tests."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, create_engine
from sqlalchemy.exc import OperationalError

USER, PASSWORD = "caso", "s3cret: @/#"
STARTS_WITHIN_SECONDS = 60


class Server(ABC):
    """``folder`` holds all of it; nothing that it keeps needs to outlive a crash of the machine."""

    drivername: str
    dies_of: str
    """The signal that ends it at once."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.gettempdir()) / f"caso-db-{uuid.uuid4().hex[:12]}"
        self.port = _free_port()
        self._numbers = itertools.count()
        self._process: subprocess.Popen[bytes] | None = None
        # Before anything runs: the driver may not be installed.
        self.admin = create_engine(self.admin_url, isolation_level="AUTOCOMMIT")
        try:
            self._begin()
        except BaseException:
            self.stop()
            raise

    def _begin(self) -> None:
        self.folder.mkdir(mode=0o700)
        if os.getuid() == 0:
            os.chown(self.folder, *_nobody())
        self.prepare()
        self.start()
        self.wait()
        self.tell(*self.grants)

    @abstractmethod
    def prepare(self) -> None:
        """Make its files."""

    @property
    @abstractmethod
    def command(self) -> list[str]:
        """What runs it in the foreground."""

    @property
    @abstractmethod
    def admin_url(self) -> URL: ...

    @property
    @abstractmethod
    def grants(self) -> tuple[str, ...]:
        """What makes the user that caso logs in as."""

    @abstractmethod
    def create(self, name: str) -> None:
        """An empty database, as its documentation says that it is made."""

    @abstractmethod
    def cut_off(self, url: str) -> None:
        """End all connections to a database, whatever is at work there."""

    @abstractmethod
    def drop(self, name: str) -> None:
        """Gone, whoever is still connected."""

    def start(self) -> None:
        # setpriv ends it with the tests, however these end.
        words = ["setpriv", f"--pdeathsig={self.dies_of}", *self.command]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._as_user())

    def wait(self) -> None:
        until = time.monotonic() + STARTS_WITHIN_SECONDS
        while True:
            try:
                with self.admin.connect():
                    return
            except OperationalError:
                if self._process is None or self._process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((self.folder / "log").read_text(errors="replace")) from None
                time.sleep(0.05)

    def kill(self) -> None:
        """As a crash of its host would."""
        if self._process is not None:
            self._process.send_signal(signal.Signals[f"SIG{self.dies_of}"])
            self._process.wait()
        self._process = None

    def stop(self) -> None:
        self.admin.dispose()
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *words: str) -> None:
        """A program of the server's, as the user that it runs as."""
        done = subprocess.run(words, capture_output=True, text=True, check=False, **self._as_user())
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stdout}{done.stderr}")

    def tell(self, *statements: str) -> None:
        """Run statements as the administrator."""
        with self.admin.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def url(self, name: str, **changes: Any) -> str:
        """What an operator writes into ``[store] connection``."""
        whole = {"username": USER, "password": PASSWORD, "host": "127.0.0.1", "port": self.port, "database": name}
        return URL.create(self.drivername, **(whole | changes)).render_as_string(hide_password=False)

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a database of its own, empty, gone at the end."""
        name = f"caso_{next(self._numbers)}"
        self.create(name)
        try:
            yield self.url(name)
        finally:
            self.drop(name)

    def _as_user(self) -> dict[str, Any]:
        """Servers refuse to run as root."""
        if os.getuid():
            return {"cwd": self.folder}
        user, group = _nobody()
        return {"cwd": self.folder, "user": user, "group": group, "extra_groups": []}


def _nobody() -> tuple[int, int]:
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
