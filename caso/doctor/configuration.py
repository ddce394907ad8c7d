"""Options: those that nothing reads, and values that cannot be meant."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from caso.doctor.secrecy import secrecy
from caso.findings import Finding, error, note, ok, warning

GOCDB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
EXAMPLE_SITE = "EXAMPLE-SITE"
SHORTEST_DEADLINE = 300
"""Seconds; a listing of a large cloud takes minutes."""
NOVA_STATES = frozenset(
    [
        "ACTIVE",
        "BUILD",
        "DELETED",
        "ERROR",
        "HARD_REBOOT",
        "MIGRATING",
        "PASSWORD",
        "PAUSED",
        "REBOOT",
        "REBUILD",
        "RESCUE",
        "RESIZE",
        "REVERT_RESIZE",
        "SHELVED",
        "SHELVED_OFFLOADED",
        "SHUTOFF",
        "SOFT_DELETED",
        "SUSPENDED",
        "UNKNOWN",
        "VERIFY_RESIZE",
    ]
)
FOR_ONE_RUN: Mapping[str, str] = {
    "extract_from": "every run extracts that stretch of the past, and no checkpoint moves",
    "extract_to": "no run extracts what is used after that time",
    "dry_run": "no run sends or remembers anything",
}
"""Options that are for the command line, and what becomes of a site that has them in its configuration."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a configuration says, as far as it can be judged without asking anybody.

    ``unknown`` are sentences about options that nothing reads, ``remarks`` about names of older releases. ``standing`` are
    the names of options for one run that stand in the configuration. ``secret_files`` are the files with a password in them.
    """

    files: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    standing: tuple[str, ...] = ()
    site_name: str = ""
    messengers: tuple[str, ...] = ()
    suspended_states: tuple[str, ...] = ()
    deadline: int = 0
    secret_files: tuple[Path, ...] = ()


def examine(settings: Settings) -> Iterator[Finding]:
    files = ", ".join(settings.files) or "no file; all is from the command line and the environment"
    yield ok(f"read from {files}")
    for sentence in settings.unknown:
        what, _, meant = sentence.partition("; ")
        yield warning(what, "nothing reads it, so what it was to change is not changed", meant)
    for sentence in settings.remarks:
        what, _, meant = sentence.partition("; ")
        yield note(what, "it is understood, and goes away in some later release", meant)
    for option in settings.standing:
        yield warning(
            f"{option} stands in the configuration", FOR_ONE_RUN[option], "take it out, and give it to one run as --option"
        )
    yield from _site(settings.site_name)
    yield from _values(settings)
    for path in settings.secret_files:
        yield from secrecy(path)


def _site(name: str) -> Iterator[Finding]:
    if not name:
        yield error("site_name is not set", "no run starts without it", "set it in [DEFAULT] to the site's name in GOCDB")
    elif name == EXAMPLE_SITE or not GOCDB_NAME.fullmatch(name):
        yield warning(
            f"site_name is {name!r}",
            "no site in GOCDB is called so, and records of it are refused",
            "set it to the name in GOCDB",
        )
    else:
        yield ok(f"records are for the site {name}")


def _values(settings: Settings) -> Iterator[Finding]:
    if set(settings.messengers) == {"noop"}:
        yield warning(
            "the only messenger is noop",
            "records count as accepted, and nobody gets them",
            "set messengers = ssm, or whoever is to have the records",
        )
    if unknown := sorted({state.upper() for state in settings.suspended_states} - NOVA_STATES):
        yield warning(
            f"[accounting] suspended_states: Nova has no state {', '.join(unknown)}",
            "servers that hold nothing may be charged wall time",
            f"choose from {', '.join(sorted(NOVA_STATES))}",
        )
    if 0 < settings.deadline < SHORTEST_DEADLINE:
        yield warning(
            f"deadline is {settings.deadline} seconds",
            "a run that may ask no longer hardly sees a whole listing, and its checkpoints stay",
            "set it to at least 300, or leave it out: it is seconds, not minutes",
        )
