"""What an outgoing directory looks like from outside: may caso write there, does ssmsend fetch what is there."""

from __future__ import annotations

import getpass
import os
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from caso.findings import Finding, error, note, ok, warning
from caso.places import nearest, owner

DIRECTORY = re.compile(r"[0-9a-f]{8}")
MESSAGE = re.compile(r"[0-9a-f]{14}")
HOUR = 3600
OLD_SECONDS = 24 * HOUR
"""ssmsend runs hourly or daily."""
LOCKED_SECONDS = HOUR
"""ssmsend locks a message while it sends it."""
UNFETCHED = "ssmsend does not fetch them: APEL gets nothing, and the disk fills up; nothing is lost"
RUN_SSMSEND = "see that ssmsend runs (its cron job or timer, its log), and that path in its sender.cfg is {root}"


class Backlog(NamedTuple):
    """What is in an outgoing directory: when each message was put there and each lock made, and what is none of these."""

    waiting: list[float]
    locks: list[float]
    foreign: list[str]


def examine_outgoing(root: Path) -> Iterator[Finding]:
    """What is to be said of the directory ``root``; nothing is made or changed."""
    there = nearest(root)
    if not there.is_dir():
        yield error(f"{there} is no directory", "messages for ssmsend cannot be queued", "move it away, or correct output_path")
    elif not os.access(there, os.R_OK | os.W_OK | os.X_OK):
        yield error(
            f"user {getpass.getuser()} may not write to {there}",
            f"messages for ssmsend cannot be queued in {root}",
            f"chgrp it to a group of {getpass.getuser()} and chmod g+rwx it, or correct output_path in [ssm]",
        )
    elif there != root:
        yield ok(f"{root} is not there yet; the first message makes it")
    else:
        yield from _mode(root)
        try:
            yield from _backlog(root, read_backlog(root), time.time())
        except OSError as exc:
            yield error(
                f"cannot look into {root}: {exc}",
                "whether ssmsend runs cannot be told",
                "see the owner and mode of what is in it",
            )


def _mode(root: Path) -> Iterator[Finding]:
    status = root.stat()
    mode = stat.S_IMODE(status.st_mode)
    if mode & stat.S_IRWXO:
        yield warning(
            f"{root} is open to other users (mode {mode:04o})",
            "messages have the names of users in them, and whoever may write there can send records in the site's name",
            f"chmod o= {root}",
        )
    if mode & stat.S_IRWXG != stat.S_IRWXG:
        yield note(
            f"{root} is its owner's alone ({owner(root)}, mode {mode:04o})",
            "ssmsend can fetch from it only if it runs as this user",
            f"chmod g+rwx {root} where ssmsend runs as another user of its group",
        )


def _backlog(root: Path, found: Backlog, now: float) -> Iterator[Finding]:
    oldest = min(found.waiting, default=now)
    if now - oldest > OLD_SECONDS:
        yield warning(
            f"{len(found.waiting)} messages wait in {root}, the oldest for {(now - oldest) / HOUR:.0f} hours",
            UNFETCHED,
            RUN_SSMSEND.format(root=root),
        )
    else:
        yield ok(f"{root} can be written to; {len(found.waiting)} messages wait there")
    if old := [lock for lock in found.locks if now - lock > LOCKED_SECONDS]:
        yield warning(
            f"{len(old)} messages in {root} are locked, the first for {(now - min(old)) / HOUR:.0f} hours",
            "ssmsend was killed while it sent them, or runs no more: they are not sent until the lock is gone",
            f"see that ssmsend runs: it takes old locks away when it purges; else remove the *.lck in {root}",
        )
    if found.foreign:
        yield note(
            f"{len(found.foreign)} files in {root} are no messages: {', '.join(sorted(found.foreign)[:3])}",
            "ssmsend passes over them",
            "move them away, if nobody needs them there",
        )


def read_backlog(root: Path) -> Backlog:
    """What is in the directory at this moment; what is fetched meanwhile is left out."""
    found = Backlog([], [], [])
    for entry in os.scandir(root):
        if not (DIRECTORY.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)):
            found.foreign.append(entry.name)
            continue
        try:
            for inner in os.scandir(entry.path):
                _sort_in(inner, found)
        except FileNotFoundError:
            continue
    return found


def _sort_in(entry: os.DirEntry[str], found: Backlog) -> None:
    try:
        made = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return
    if MESSAGE.fullmatch(entry.name) and made.st_nlink == 1:
        found.waiting.append(made.st_mtime)
    elif entry.name.endswith(".lck"):
        # A lock is a link to its message, and dirq touches both when it locks.
        found.locks.append(made.st_mtime)
    elif not (MESSAGE.fullmatch(entry.name) or entry.name.endswith(".tmp")):
        found.foreign.append(entry.name)
