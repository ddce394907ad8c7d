"""Where the message brokers are: the transport URLs of OpenStack's services, read without ever repeating a password."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from caso.errors import ConfigError

OPTION = "[notifications] transport_url"
HOW = "write it like rabbit://user:password@host:5672/vhost, with what is special in the password quoted (@ is %40, / is %2F)"

_PLAIN = frozenset({"rabbit", "amqp", "kombu", "pyamqp"})
_TLS = frozenset({"rabbit+ssl", "rabbit+tls", "rabbits", "amqps"})
PLAIN_PORT, TLS_PORT = 5672, 5671


@dataclass(frozen=True)
class Address:
    """One node of a broker, and who logs in there."""

    host: str
    port: int
    user: str = "guest"
    password: str = field(default="guest", repr=False)

    def __str__(self) -> str:
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


@dataclass(frozen=True)
class BrokerUrl:
    """One broker: any of its nodes will do, tried in this order. ``tls`` is None, or the files to be used for it."""

    addresses: tuple[Address, ...]
    vhost: str = "/"
    tls: Mapping[str, str] | None = None

    def __str__(self) -> str:
        nodes = ",".join(map(str, self.addresses))
        return nodes if self.vhost == "/" else f"{nodes}/{self.vhost}"

    @classmethod
    def parse(cls, url: str) -> BrokerUrl:
        """What a URL of oslo.messaging or kombu means; ConfigError, without a word of it, for one that means nothing.

        Several nodes stand between commas; one that names no user has the user of the node before it. Of the options
        behind a question mark only those of TLS are looked at: ssl, ssl_ca_file, ssl_cert_file and ssl_key_file.

        >>> str(BrokerUrl.parse("rabbit://caso:word@one:5672,two/cloud"))
        'one:5672,two:5672/cloud'
        """
        scheme = re.match(r"([A-Za-z0-9+.-]+)://", url.strip())
        if scheme is None or scheme[1].lower() not in _PLAIN | _TLS:
            raise _bad("it does not begin with rabbit:// or amqp://")
        try:
            parts = urlsplit(url.strip())
        except ValueError:
            # urlsplit would quote the user and the password.
            raise _bad("an address in brackets is none") from None
        if parts.fragment or "#" in url:
            raise _bad("there is a # in it")
        tls = _tls(scheme[1].lower(), dict(parse_qsl(parts.query)))
        return cls(_addresses(parts, PLAIN_PORT if tls is None else TLS_PORT), unquote(parts.path[1:]) or "/", tls)


def _bad(why: str) -> ConfigError:
    return ConfigError(f"{OPTION}: {why}; {HOW}")


def _addresses(parts: SplitResult, default_port: int) -> tuple[Address, ...]:
    addresses: list[Address] = []
    user, password = "guest", "guest"
    for node in filter(None, parts.netloc.split(",")):
        login, at, place = node.rpartition("@")
        if at:
            user, password = (unquote(word) for word in (login.partition(":")[0], login.partition(":")[2]))
        # Nothing of it is repeated: with a raw : or @ in the password the port may be a piece of it.
        found = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::([0-9]+))?|([^:\[\]]+)(?::([0-9]+))?", place)
        if found is None:
            raise _bad("a host, or its port, is none")
        port = int(found[2] or found[4] or default_port)
        if not 0 < port < 65536:
            raise _bad("a port is none")
        addresses.append(Address(found[1] or found[3], port, user, password))
    if not addresses:
        raise _bad("it names no host")
    return tuple(addresses)


def _tls(scheme: str, query: Mapping[str, str]) -> Mapping[str, str] | None:
    wanted = query.get("ssl", "").lower() in ("1", "true", "yes", "on") or scheme in _TLS
    files = {name: query[f"ssl_{name}"] for name in ("ca_file", "cert_file", "key_file") if query.get(f"ssl_{name}")}
    if not wanted:
        return None
    for name, path in files.items():
        if not Path(path).is_file():
            raise ConfigError(f"{OPTION}: there is no file {path} for ssl_{name}")
    return files
