"""The processes of the services: gunicorn with one worker each, on a socket we keep."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

ENTRIES = Path(__file__).parent / "entries"
SERVICES = ("keystone", "nova", "cinder", "glance", "neutron")


class StartError(RuntimeError):
    """A service did not come up; the text ends with its log."""


class Service:
    """One API service; may be started and stopped several times, its port stays the same."""

    def __init__(self, name: str, work: Path, venv: Path, entries: Path = ENTRIES) -> None:
        """``entries`` has the module ``NAME_app``, with the application in it."""
        self.name = name
        self._entries = entries
        self.log = work / "log" / f"{name}.log"
        self._work = work
        self._venv = venv
        self._process: subprocess.Popen[bytes] | None = None
        # Ours is open all the time, so no one else gets the port, and clients just wait meanwhile.
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._socket.getsockname()[1]

    @property
    def url(self) -> str:
        """Where it is, not through the proxy."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """Process id, None while it is stopped."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process; ``wait`` tells when it answers.

        It ends with the thread which calls this, at the latest (the kernel sees to it).
        """
        self.log.parent.mkdir(exist_ok=True)
        descriptor = self._socket.fileno()
        command: list[str | Path] = [
            self._venv / "bin" / "python",
            *("-W", "ignore", "-m", "gunicorn", "--config", ENTRIES / "gunicorn_conf.py"),
            *("--chdir", self._entries, "--bind", f"fd://{descriptor}"),
            f"{self.name}_app:application",
        ]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env=self._environ(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[descriptor],
                start_new_session=True,
            )

    def wait(self, seconds: float = 120) -> None:
        """Return when it answers; StartError when it ends or is silent for too long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise StartError(f"{self.name} ended while starting\n{self.tail()}")
            if self._answers():
                return
        raise StartError(f"{self.name} has not answered for {seconds} s\n{self.tail()}")

    def stop(self) -> None:
        """End the process and its worker; at once, for there is nothing to be kept."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def close(self) -> None:
        """Stop, and give the port back."""
        self.stop()
        self._socket.close()

    def tail(self, lines: int = 40) -> str:
        """The last lines of the log, with its name."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return f"--- {self.log}\n" + "\n".join(text.splitlines()[-lines:])

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _environ(self) -> dict[str, str]:
        etc = str(self._work / "etc")
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("OS_", "PYTHON", "COVERAGE")) and "proxy" not in name.lower()
        }
        return {
            **inherited,
            "CLOUD_ETC": etc,
            "CLOUD_STARTER": str(os.getpid()),
            "OS_KEYSTONE_CONFIG_DIR": etc,
            "OS_GLANCE_CONFIG_DIR": etc,
            # The first file is taken for the paste configuration.
            "OS_NOVA_CONFIG_FILES": f"{self._venv}/etc/nova/api-paste.ini;{etc}/nova.conf",
        }
