"""The credentials, the way to Keystone, and the token."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from caso.doctor.secrecy import secrecy
from caso.errors import ConfigError, SourceError
from caso.findings import Finding, error, note, of_error, ok, warning
from caso.sources import Scope, Sources

IN_VAIN = "nothing can be asked of the cloud"


@dataclasses.dataclass(frozen=True)
class Door:
    """The way into the cloud; ``verified``: certificates are looked at.

    ``interface`` is that of the endpoints, ``cloud`` the name in clouds.yaml, ``regions`` those to account for (none: all).
    ``secret_files`` are clouds.yaml and the like, where there is a password in them.
    """

    sources: Sources
    auth_url: str = ""
    verified: bool = True
    interface: str = "public"
    cloud: str = ""
    regions: tuple[str, ...] = ()
    secret_files: tuple[Path, ...] = ()


def examine(opened: Callable[[], Door]) -> Generator[Finding, None, Door | None]:
    """Yields what is wrong; returns None where there is no way in at all."""
    try:
        door = opened()
    except ConfigError as exc:
        yield of_error(exc, IN_VAIN, "correct [keystone_auth] or clouds.yaml")
        return None
    yield from _way(door)
    for path in door.secret_files:
        yield from secrecy(path)
    return door


def examine_token(sources: Sources) -> Generator[Finding, None, bool]:
    """Yields what is wrong; returns whether Keystone lets caso in."""
    try:
        roles = sources.roles(Scope.AS_CONFIGURED)
    except SourceError as exc:
        yield of_error(exc, IN_VAIN, "check the credentials")
        return False
    if not roles:
        yield note("the token of the configured scope has no role", "each project's own token decides what may be seen")
    yield ok(f"Keystone gives a token; its roles: {', '.join(sorted(roles)) or 'none'}")
    return True


def _way(door: Door) -> Iterator[Finding]:
    if not door.verified:
        yield error(
            "certificates are not verified (insecure)",
            "whoever is on the way can answer in the cloud's place, and read the password",
            "take insecure out, and set cafile in [keystone_auth] to the authority that signed the certificates",
        )
    url = urlsplit(door.auth_url)
    if url.scheme == "http" and not _is_here(url.hostname or ""):
        yield warning(
            f"auth_url is {url.scheme}://{url.hostname}: the password goes over the network as plain text",
            "whoever is on the way can log in as caso",
            "write https:// in auth_url, if Keystone speaks TLS; else see that it does",
        )


def _is_here(host: str) -> bool:
    """True for this machine itself: nothing of that is on a network.

    >>> [_is_here(host) for host in ("127.0.0.1", "::1", "localhost", "10.0.0.1", "keystone")]
    [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
