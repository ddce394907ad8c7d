"""The processes of a RabbitMQ node: the node, and the port mapper that Erlang's nodes ask for each other."""

from __future__ import annotations

import atexit
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
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

# Not the one on the PATH: that is a wrapper which becomes the user rabbitmq and forgets the environment.
SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"
# Without a slash: oslo.messaging does not quote it in the URL that it makes of its parts.
USER, PASSWORD = "caso", "s3cret:@of-the-bus"
STARTS_WITHIN_SECONDS = 60
STOPS_WITHIN_SECONDS = 30

CONF = """\
listeners.tcp.1 = 127.0.0.1:{port}
default_user = {user}
default_pass = {password}
default_user_tags.administrator = true
disk_free_limit.absolute = 1MB
vm_memory_high_watermark.absolute = 1GB
log.console = true
log.console.level = info
log.file = false
"""


class Broker:
    """A running RabbitMQ; nothing that it keeps needs to outlive ``close``."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.gettempdir()) / f"caso-bus-{uuid.uuid4().hex[:12]}"
        self.port, self._mapper_port, self._distribution_port = _free_ports(3)
        self._name = f"{self.folder.name}@localhost"
        self._cookie = uuid.uuid4().hex
        self._numbers = itertools.count()
        self._processes: list[subprocess.Popen[bytes]] = []
        atexit.register(self.close)
        try:
            self._prepare()
            self.start()
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        """The default virtual host, for kombu; ``rabbit_url`` makes it one for oslo.messaging."""
        return self.url_of("/")

    def url_of(self, vhost: str) -> str:
        """A virtual host, as kombu takes it."""
        return f"amqp://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{quote(vhost, safe='')}"

    @contextlib.contextmanager
    def vhost(self) -> Iterator[str]:
        """The URL of an empty virtual host, which nobody else uses and which is gone at the end."""
        name = f"test{next(self._numbers)}"
        self.tell(
            f'rabbit_vhost:add(<<"{name}">>, <<"{USER}">>)',
            'All = <<".*">>',
            f'rabbit_auth_backend_internal:set_permissions(<<"{USER}">>, <<"{name}">>, All, All, All, <<"{USER}">>)',
        )
        try:
            yield self.url_of(name)
        finally:
            if self.is_running:
                self.tell(f'rabbit_vhost:delete(<<"{name}">>, <<"{USER}">>)')

    @property
    def is_running(self) -> bool:
        return bool(self._processes)

    def start(self) -> None:
        """Return when clients are served, at the same port each time, with what is durable still there."""
        self._run("epmd", "-port", str(self._mapper_port), "-address", "127.0.0.1")
        _wait_for(self._mapper_port, self._check)
        self._run(SERVER)
        _wait_for(self.port, self._check)
        self.tell("rabbit:await_startup()")

    def stop(self) -> None:
        """An orderly end, as for maintenance: durable queues keep their persistent messages."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As a crash of its host would."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """Gone, with its files; may be called again."""
        atexit.unregister(self.close)
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def drop_connections(self) -> None:
        """Cut off all clients, as a proxy before RabbitMQ that restarts would."""
        self.tell('rabbit_networking:close_all_connections("cut off by a test")')

    def tell(self, *expressions: str) -> str:
        """Evaluate Erlang on the node; RuntimeError with its words where that fails."""
        done = subprocess.run(
            ["erl_call", "-sname", self._name, "-c", self._cookie, "-e"],
            input=", ".join(expressions) + ".\n",
            capture_output=True,
            text=True,
            check=False,
            **self._surroundings(),
        )
        # {ok, Value}, or {error, ...} with status 0.
        if done.returncode or not done.stdout.startswith("{ok,"):
            raise RuntimeError(f"{'; '.join(expressions)}: {done.stdout}{done.stderr}")
        return done.stdout.removeprefix("{ok,").strip().removesuffix("}").strip()

    def _prepare(self) -> None:
        self.folder.mkdir(mode=0o700)
        (self.folder / "rabbitmq.conf").write_text(CONF.format(port=self.port, user=USER, password=PASSWORD))
        (self.folder / "enabled_plugins").write_text("[].\n")
        (self.folder / "rabbitmq-env.conf").touch()
        cookie = self.folder / ".erlang.cookie"
        cookie.write_text(self._cookie)
        cookie.chmod(0o400)
        if os.getuid() == 0:
            for path in (self.folder, *self.folder.iterdir()):
                os.chown(path, *_nobody())

    def _run(self, *words: str) -> None:
        # setpriv ends it with the tests, however these end.
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._surroundings(),
            )
        self._processes.append(process)

    def _check(self) -> None:
        if any(process.poll() is not None for process in self._processes):
            raise RuntimeError("RabbitMQ does not start\n" + (self.folder / "log").read_text(errors="replace")[-5000:])

    def _end(self, how: signal.Signals) -> None:
        """The node first: it tells the port mapper that it goes."""
        while self._processes:
            process = self._processes.pop()
            process.send_signal(how)
            try:
                process.wait(STOPS_WITHIN_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _surroundings(self) -> dict[str, Any]:
        """The folder, the environment and, for root, the ordinary user of each of its processes."""
        whole: dict[str, Any] = {"cwd": self.folder, "env": self._environ()}
        if os.getuid():
            return whole
        user, group = _nobody()
        return whole | {"user": user, "group": group, "extra_groups": []}

    def _environ(self) -> dict[str, str]:
        folder = self.folder
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_FLAGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            # Else a shell stays between, which dies without ending the node.
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_NODENAME": self._name,
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/rabbitmq-env.conf",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log.d",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{folder}/generated",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            # One thread that sleeps while there is nothing to do.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none +A 4",
        }


def rabbit_url(url: str) -> str:
    """The same for oslo.messaging's ``transport_url``.

    >>> rabbit_url("amqp://caso:word@127.0.0.1:5672/test1")
    'rabbit://caso:word@127.0.0.1:5672/test1'
    """
    return "rabbit" + url.removeprefix("amqp")


def _wait_for(port: int, check: Any) -> None:
    until = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < until:
        check()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nobody listens at port {port}")


def _nobody() -> tuple[int, int]:
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(free.getsockname()[1]) for free in sockets]
