"""Files with a password in them: who else may read them."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from caso.findings import Finding, ok, warning


def secrecy(path: Path) -> Iterator[Finding]:
    """``path`` has a password in it."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # It was read a moment ago, and is the administrator's to move.
    if mode & stat.S_IRWXO:
        yield warning(
            f"{path} has a password in it, and other users may read it (mode {stat.S_IMODE(mode):04o})",
            "every user of this machine can log in as caso",
            f"chmod o= {path}, and let its group be caso's; then change the password",
        )
    else:
        yield ok(f"{path}, which has a password in it, is closed to other users")
