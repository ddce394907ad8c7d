"""Files and directories as an examination of a site sees them."""

from __future__ import annotations

import os
import pwd
from pathlib import Path


def nearest(path: Path) -> Path:
    """The path itself, or the nearest one above it that is there and may be looked at."""
    return next(parent for parent in (path, *path.absolute().parents) if os.path.lexists(parent) and _visible(parent))


def owner(path: Path) -> str:
    """The name of the user whose it is, as ``ls`` has it; the number where the user has none any more."""
    uid = path.stat().st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _visible(path: Path) -> bool:
    try:
        path.stat()
    except PermissionError:
        return False
    except OSError:
        return True  # A link that leads nowhere is there, and in the way.
    return True
