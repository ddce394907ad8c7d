"""How a connection to a message broker is made, and why there is none, in words; the only place that imports kombu."""

from __future__ import annotations

import contextlib
import importlib
import socket
import ssl
from collections.abc import Mapping
from typing import Any

from caso.errors import ConfigError, SourceError
from caso.printing import without_credentials
from caso.sources.notifications_url import OPTION, Address, BrokerUrl

ACCESS_REFUSED, NOT_FOUND, NOT_ALLOWED = 403, 404, 530
"""What AMQP calls a refused login or action, a missing queue, a missing virtual host or one that this user has no part in."""
LONGEST_REASON = 300


def require_kombu() -> Any:
    """The library, imported by the first who needs it; ConfigError where there is none."""
    try:
        return importlib.import_module("kombu")
    except ImportError as exc:
        raise ConfigError(f"{OPTION} needs kombu, which is not installed: pip install 'caso[notifications]'") from exc


def connected(url: BrokerUrl, timeout: float, heartbeat: int) -> Any:
    """An open connection of kombu to the first node that takes it; SourceError where none does."""
    failures: list[SourceError] = []
    for address in url.addresses:
        connection = _connection(url, address, timeout, heartbeat)
        try:
            connection.ensure_connection(max_retries=0)
            # From here on no answer is waited for longer, whatever is asked.
            connection.connection.sock.settimeout(timeout)
        except errors_of(connection) as exc:
            with contextlib.suppress(*errors_of(connection)):
                connection.collect()
            failures.append(failed(f"notifications: cannot connect to {address}, virtual host {url.vhost}", exc))
        else:
            return connection
    if len(failures) == 1:
        raise failures[0]
    raise SourceError("; ".join(map(str, failures)))


def errors_of(connection: Any) -> tuple[type[BaseException], ...]:
    """All that may be raised where a connection is used."""
    # py-amqp raises AttributeError where the connection went away under its hands.
    kombu_error = require_kombu().exceptions.KombuError
    return (*connection.connection_errors, *connection.channel_errors, kombu_error, OSError, AttributeError)


def code_of(exc: BaseException) -> int | None:
    """AMQP's number for what was wrong, where it has one."""
    code = getattr(exc, "code", None)
    return code if isinstance(code, int) else None


def failed(what: str, exc: BaseException) -> SourceError:
    """Why ``what`` failed, and what to do about it."""
    cause = exc.__cause__ or exc
    reason = without_credentials(" ".join((str(cause) or type(cause).__name__).split()))[:LONGEST_REASON]
    return SourceError(f"{what}: {reason}; {_advice(cause)}")


def _advice(cause: BaseException) -> str:
    if code_of(cause) in (ACCESS_REFUSED, NOT_ALLOWED):
        return f"check user, password and virtual host in {OPTION}, and that the user may read the queues"
    if isinstance(cause, ssl.SSLError):
        return f"check that the broker speaks TLS there, and ssl_ca_file in {OPTION}"
    return "check that the broker runs and can be reached from here"


def _connection(url: BrokerUrl, address: Address, timeout: float, heartbeat: int) -> Any:
    return require_kombu().Connection(
        hostname=f"[{address.host}]" if ":" in address.host else address.host,
        port=address.port,
        userid=address.user,
        password=address.password,
        virtual_host=url.vhost,
        ssl=False if url.tls is None else _tls(url.tls, address.host),
        transport="pyamqp",
        connect_timeout=timeout,
        heartbeat=heartbeat,
        # py-amqp gives up after a second without an answer from the network, which a busy switch takes.
        transport_options={"socket_settings": {socket.TCP_USER_TIMEOUT: int(timeout * 1000)}},
    )


def _tls(files: Mapping[str, str], host: str) -> Mapping[str, Any]:
    told = {"ca_certs": files.get("ca_file"), "certfile": files.get("cert_file"), "keyfile": files.get("key_file")}
    return {**told, "cert_reqs": ssl.CERT_REQUIRED, "server_hostname": host}
