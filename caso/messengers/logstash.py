"""Records as JSON lines, handed over TCP to Logstash or to whoever else takes such lines.

Nobody answers on such a connection. What can be known is that the receiver took every byte
and, told that there are no more, closed the connection in order: that counts as accepted here.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import logging
import socket
import ssl
import struct
import termios
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

from oslo_config import cfg

from caso.errors import ConfigError, DeliveryError
from caso.findings import Finding, error, note, of_error, ok
from caso.messengers.base import Messenger
from caso.records import Record
from caso.wire import jsonlines

LOG = logging.getLogger(__name__)

CHUNK = 65536
HERE = frozenset({"localhost", "127.0.0.1", "::1"})
PATIENCE = 10.0
"""Seconds that an examination waits for a connection, at most."""
HUSH = 0.5
"""Seconds to listen before saying that nothing more comes. Some receivers take lines that they cannot read, such as plain ones
where they want TLS, and close as if all were well (syslog-ng 3.38): they do it at once, and not only when they are told."""


class Tls(NamedTuple):
    """Paths of PEM files: the authorities to believe (None: the system's), and what caso proves its own name with."""

    cafile: str | None = None
    certfile: str | None = None
    keyfile: str | None = None

    def context(self) -> ssl.SSLContext:
        """Read anew for each connection: certificates are renewed while a service runs."""
        context = ssl.create_default_context(cafile=self.cafile)
        if self.certfile:
            # A password of its own, though empty: OpenSSL would ask for one at the terminal.
            context.load_cert_chain(self.certfile, self.keyfile, password="")
        return context


class LogstashMessenger(Messenger):
    """Sends each batch over a connection of its own; the receiver replaces by ``RecordKey``.

    ``timeout`` is for all of a batch, in seconds, from connecting to the receiver's close.
    """

    options = (
        cfg.StrOpt("host", default="localhost", help="Where Logstash, or another receiver of JSON lines, listens."),
        cfg.PortOpt("port", default=5000, help="Its TCP port."),
        cfg.BoolOpt("tls", default=False, help="Talk TLS. The receiver's certificate is always verified, against its host name."),
        cfg.StrOpt(
            "cafile",
            help="PEM file of the authorities, or the one certificate, to believe. Not set: the authorities of the system.",
        ),
        cfg.StrOpt("certfile", help="PEM file of caso's own certificate, where the receiver asks for one."),
        cfg.StrOpt("keyfile", help="PEM file of the key of certfile, without a passphrase. Not set: it is in certfile."),
        cfg.IntOpt("timeout", default=30, min=1, help="Seconds for up to 1000 records, from connecting to the receiver's close."),
    )

    def __init__(self, host: str, port: int, tls: Tls | None = None, timeout: float = 30, hush: float = HUSH) -> None:
        self.host = host
        self.port = port
        self.tls = tls
        self.timeout = timeout
        self.hush = hush

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts.GroupAttr) -> Self:
        if not conf.host:
            raise ConfigError("[logstash] host is empty; name the host where the receiver listens")
        tls = Tls(conf.cafile or None, conf.certfile or None, conf.keyfile or None)
        if not conf.tls and any(tls):
            raise ConfigError("[logstash] cafile, certfile or keyfile is set, and tls is not; set tls = true, or take them out")
        if tls.keyfile and not tls.certfile:
            raise ConfigError("[logstash] keyfile is set, and certfile is not; name the certificate that the key belongs to")
        return cls(conf.host, conf.port, tls if conf.tls else None, conf.timeout)

    def send(self, records: Sequence[Record]) -> None:
        """Return once the receiver has taken every line and closed; nothing is sent of records among which one is refused."""
        content = jsonlines.lines(records)
        if not records:
            return
        deadline = time.monotonic() + self.timeout
        try:
            with self._connect(deadline) as connection:
                _push(connection, content, deadline)
                _listen(connection, min(self.hush, _left(deadline)))
                _close(connection, deadline)
        except UnicodeError as exc:
            raise DeliveryError(f"[logstash] host: {self.host!r} is no name of a host: {exc}; correct it") from exc
        except OSError as exc:
            where = f"{self.host}:{self.port}"
            raise DeliveryError(f"cannot hand {len(records)} records to {where}: {_reason(exc)}; {self._advice(exc)}") from exc
        LOG.debug("logstash: %d records handed to %s:%d", len(records), self.host, self.port)

    def examine(self) -> Iterator[Finding]:
        """Whether the receiver lets caso connect; it is sent nothing."""
        where = f"{self.host}:{self.port}"
        in_vain = "records for it stay due, and are sent once it takes them"
        if not self.tls and self.host not in HERE:
            yield note(f"records go to {where} as plain text", "they have names of users in them", "set tls = true in [logstash]")
        try:
            self._connect(time.monotonic() + min(self.timeout, PATIENCE)).close()
        except UnicodeError as exc:
            yield error(f"[logstash] host: {self.host!r} is no name of a host: {exc}", in_vain, "correct it")
        except DeliveryError as exc:
            yield of_error(exc, in_vain, "correct cafile, certfile and keyfile in [logstash]")
        except OSError as exc:
            yield error(f"cannot connect to {where}: {_reason(exc)}", in_vain, self._advice(exc))
        else:
            yield ok(f"{where} can be connected to")

    def _connect(self, deadline: float) -> socket.socket:
        context = self._context()
        connection = socket.create_connection((self.host, self.port), timeout=_left(deadline))
        if context is None:
            return connection
        try:
            connection.settimeout(_left(deadline))
            return context.wrap_socket(connection, server_hostname=self.host)
        except BaseException:
            connection.close()
            raise

    def _context(self) -> ssl.SSLContext | None:
        try:
            return self.tls.context() if self.tls else None
        except OSError as exc:
            files = ", ".join(f"{name} {path}" for name, path in self.tls._asdict().items() if path) if self.tls else ""
            raise DeliveryError(
                f"cannot read the certificates of [logstash]: {exc}; see that each is a PEM file that user "
                f"{getpass.getuser()} may read, and the key has no passphrase: {files}"
            ) from exc

    def _advice(self, exc: OSError) -> str:
        if isinstance(exc, ssl.SSLCertVerificationError):
            return "name in [logstash] cafile who signed its certificate, and in host a name that stands in it"
        if isinstance(exc, ssl.SSLError):
            return "see that TLS is spoken on this port, and whether the receiver wants certfile and keyfile"
        if isinstance(exc, socket.gaierror):
            return "correct [logstash] host, or mend the name service"
        if isinstance(exc, ConnectionRefusedError):
            return "start the receiver, or correct [logstash] host and port"
        if isinstance(exc, TimeoutError):
            return f"see whether the receiver is stuck, or give it more than {self.timeout:g} seconds in [logstash] timeout"
        if isinstance(exc, ConnectionError) and not self.tls:
            return "the receiver's log may say why; if it wants TLS, set tls = true in [logstash]"
        return "the receiver's log may say why"


def _reason(exc: OSError) -> str:
    return exc.strerror or str(exc) or type(exc).__name__


def _push(connection: socket.socket, content: bytes, deadline: float) -> None:
    rest = memoryview(content)
    while rest:
        connection.settimeout(_left(deadline))
        rest = rest[connection.send(rest[:CHUNK]) :]


def _listen(connection: socket.socket, seconds: float) -> None:
    """The receiver keeps still, as it should while it does not know that nothing more comes."""
    connection.settimeout(seconds)
    with contextlib.suppress(TimeoutError):
        _expect_the_end(connection)
        raise ConnectionAbortedError("the receiver closed before it was told everything")


def _close(connection: socket.socket, deadline: float) -> None:
    """Say that nothing more comes, and wait until the receiver has read that, and closes as well."""
    connection.settimeout(_left(deadline))
    if isinstance(connection, ssl.SSLSocket):
        connection = connection.unwrap()
    with connection:
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(_left(deadline))
        _expect_the_end(connection)
        if unread := _unacknowledged(connection):
            raise ConnectionAbortedError(f"the receiver closed with {unread} bytes still on their way to it")


def _expect_the_end(connection: socket.socket) -> None:
    if connection.recv(1):
        raise ConnectionAbortedError("the receiver answered, which no receiver of JSON lines does")


def _unacknowledged(connection: socket.socket) -> int:
    """Bytes sent that the receiver's kernel does not have. A receiver that closes early ends its side before it resets ours."""
    (count,) = struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))
    return int(count)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left
