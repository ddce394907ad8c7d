"""The directory where caso keeps what it remembers: its owner and mode, its room, the kind of its file system."""

from __future__ import annotations

import getpass
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from caso.findings import Finding, error, ok, warning
from caso.places import nearest, owner

LEAST_FREE = 64 * 1024 * 1024
"""Bytes that a run needs beside what the store has: its journal, and a copy before a migration."""
NETWORKED = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs", "glusterfs"})
MOUNTS = Path("/proc/self/mountinfo")


def examine(spool: Path, store: Path | None) -> Iterator[Finding]:
    """``store`` is the file of an SQLite store, which need not be in ``spool``; None for another database."""
    for directory in dict.fromkeys([spool, *([store.parent] if store else [])]):
        yield from _directory(directory)
    if store:
        yield from _file(store)
        there = nearest(store.parent)
        yield from room(shutil.disk_usage(there).free, _size(store), there)
        if MOUNTS.exists():
            yield from network(there, MOUNTS.read_text(errors="replace"))


def _directory(path: Path) -> Iterator[Finding]:
    there = nearest(path)
    if not there.is_dir():
        yield error(f"{there} is no directory", "nothing can be remembered, so no run starts", f"move it away, or correct {path}")
    elif not os.access(there, os.W_OK | os.X_OK | os.R_OK):
        missing = "" if there == path else f"{path} is not there, and "
        yield error(
            f"{missing}user {getpass.getuser()} may not write to {there}",
            "nothing can be remembered, so no run starts",
            f"run caso as {owner(there)}, or make {path} with mode 0700, owned by the user that runs caso",
        )
    elif there != path:
        yield ok(f"{path} is not there yet; the first run makes it")
    else:
        yield from _kept(path)


def _kept(path: Path) -> Iterator[Finding]:
    status = path.stat()
    well = True
    if status.st_mode & stat.S_IRWXO:
        well = False
        yield warning(
            f"{path} is open to other users (mode {stat.S_IMODE(status.st_mode):04o})",
            "it has the names of users and what they used in it, and who may write there can put another store in its place",
            f"chmod o= {path}",
        )
    if status.st_uid != os.getuid():
        well = False
        yield warning(
            f"{path} is {owner(path)}'s, and this is user {getpass.getuser()}",
            "files that caso makes as one user may be out of reach for the other, and then runs fail",
            f"run caso and caso-doctor as {owner(path)}: sudo -u {owner(path)} caso-doctor",
        )
    if well:
        yield ok(f"{path} is {owner(path)}'s alone, and can be written to")


def _file(store: Path) -> Iterator[Finding]:
    try:
        status = store.stat()
    except OSError:
        return  # Not there yet, or told of already: its directory cannot be read.
    if status.st_mode & stat.S_IRWXO:
        yield warning(
            f"{store} is open to other users (mode {stat.S_IMODE(status.st_mode):04o})",
            "it has the names of users and what they used in it",
            f"chmod o= {store}",
        )
    if not os.access(store, os.R_OK | os.W_OK):
        yield error(
            f"user {getpass.getuser()} may not read and write {store}",
            "no run starts",
            f"run caso as {owner(store)}, or chown it",
        )


def room(free: int, held: int, where: Path) -> Iterator[Finding]:
    """``free`` bytes on the file system of the store, which takes ``held`` itself."""
    needed = LEAST_FREE + held
    if free < needed:
        yield warning(
            f"{where} has {_mib(free)} MiB left, and the store takes {_mib(held)} MiB",
            "a full disk stops each run until there is room, and a migration makes a copy first; nothing is lost",
            f"make room: {_mib(needed)} MiB will do for long",
        )
    else:
        yield ok(f"{where} has {_mib(free)} MiB left")


def network(path: Path, mounts: str) -> Iterator[Finding]:
    """A warning where ``path`` is on a file system of the network; ``mounts`` is /proc/self/mountinfo."""
    kinds = {}
    for line in mounts.splitlines():
        # "36 35 98:0 / /mnt rw,noatime master:1 - ext3 /dev/root rw", with blanks in paths as \040.
        front, _, back = line.partition(" - ")
        if len(front.split()) > 4 and back:
            kinds[Path(front.split()[4].replace("\\040", " "))] = back.split()[0]
    real = path.resolve()
    kind = next((kinds[parent] for parent in (real, *real.parents) if parent in kinds), "")
    if kind in NETWORKED:
        yield warning(
            f"{path} is on a file system of the network ({kind})",
            "SQLite's locks and journal do not work there: the store may be damaged",
            "put spooldir on a local disk, or set [store] connection to PostgreSQL where several hosts share the store",
        )


def _size(store: Path) -> int:
    try:
        return store.stat().st_size
    except OSError:
        return 0


def _mib(size: int) -> int:
    return size // 1024 // 1024
