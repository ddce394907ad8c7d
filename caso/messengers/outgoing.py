"""The directory that ssmsend takes messages from: a QueueSimple of python-dirq whose messages outlast a power cut.

QueueSimple.add() does not fsync, so a message that counts as sent could vanish
with the machine. Here a message is on disk before it gets the name by which
readers find it. The steps are QueueSimple's own: a ``.tmp`` file, which readers
pass over and whose leftovers ssmsend purges after five minutes; a hard link; no ``.tmp``.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import secrets
import stat
import time
from collections.abc import Iterable
from pathlib import Path

from dirq.QueueSimple import QueueSimple

MINUTE = 60
ATTEMPTS = 50
"""How often a message is started anew when a purge takes away the directory it was to go to."""


class OutgoingQueue:
    """One queue. Owner and group may do everything, others nothing: ssmsend often runs as another user of the group.

    Nothing is touched before the first :meth:`add`. Errors are OSError.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(self, message: bytes) -> str:
        """The message's name in the queue, once it and its name are on disk."""
        name = self.put(message)
        self.settle([name])
        return name

    def put(self, message: bytes) -> str:
        """The message's name in the queue, once it is on disk; the name itself is after :meth:`settle`, for many at once."""
        for _ in range(ATTEMPTS - 1):
            # A purge by ssmsend may remove an empty directory between any two steps.
            with contextlib.suppress(FileNotFoundError):
                return self._put(message)
        return self._put(message)

    def settle(self, names: Iterable[str]) -> None:
        """Return once the messages' names are on disk."""
        for directory in {(self.root / name).parent for name in names}:
            # Not there any more: ssmsend has sent the messages, and purged.
            with contextlib.suppress(FileNotFoundError):
                sync_directory(directory)
        sync_directory(self.root)
        # dirq meets an error for each message (that the directory is there already) and keeps it in a cycle, with its traceback
        # and so with all that those who called hold: every record of the batch, until Python next looks for garbage.
        gc.collect(0)

    def _put(self, message: bytes) -> str:
        make_directories(self.root)
        directory = self.root / f"{int(time.time()) // MINUTE * MINUTE:08x}"
        # Not mkdir(exist_ok=True): that one looks again after a refusal, and a purge may come in between.
        with contextlib.suppress(FileExistsError):
            directory.mkdir(mode=0o770)
        _require_own(directory)
        temporary = directory / f"{secrets.token_hex(7)}.tmp"
        try:
            write_durably(temporary, message)
            name = str(QueueSimple(str(self.root)).add_path(str(temporary)))
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        # After a full minute it is in another directory, which dirq made; ssmsend may have taken it and purged that.
        with contextlib.suppress(FileNotFoundError):
            open_to_group((self.root / name).parent)
        return name


def make_directories(path: Path) -> None:
    """``path`` and its missing parents, each of them on disk."""
    if not path.is_dir():
        make_directories(path.parent)
        path.mkdir(mode=0o770, exist_ok=True)
        open_to_group(path)
        sync_directory(path.parent)


def _require_own(directory: Path) -> None:
    """Others of the group may write to the queue, and must not choose by a link where caso writes with its own rights."""
    if directory.is_symlink():
        raise NotADirectoryError(errno.ENOTDIR, "it is a symbolic link, and caso follows none there", str(directory))


def open_to_group(directory: Path) -> None:
    """Owner and group may do everything, others nothing, whatever the umask of the process was; no link is followed."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        wanted = (mode | 0o770) & ~0o007
        if mode != wanted:
            # Somebody else's directory that we may write to: its mode is theirs to set.
            with contextlib.suppress(PermissionError):
                os.fchmod(descriptor, wanted)
    finally:
        os.close(descriptor)


def write_durably(path: Path, content: bytes) -> None:
    """A new file, on disk when this returns."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        # Linux lets nobody hard-link a file (dirq's lock) who may not read and write it: hence the group's w.
        os.fchmod(file.fileno(), 0o660)
        file.flush()
        os.fsync(file.fileno())


def sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
