"""Folders which are expensive to make, made once and kept between runs."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path


def cache_root() -> Path:
    """Where caches live: ``$CASO_TEST_CACHE`` or ``~/.cache/caso-tests``."""
    return Path(os.environ.get("CASO_TEST_CACHE") or Path.home() / ".cache" / "caso-tests")


def digest(files: Iterable[Path], *words: str) -> str:
    """Hash of the content of files and of words, in this order; 16 hexadecimal digits."""
    total = hashlib.sha256()
    for word in words:
        total.update(word.encode() + b"\0")
    for file in files:
        total.update(file.read_bytes() + b"\0")
    return total.hexdigest()[:16]


def cached(name: str, key: str, build: Callable[[Path], None], *, in_place: bool = False) -> Path:
    """The folder ``name-key``, filled by ``build(folder)`` unless it is complete already.

    Processes which want the same folder wait for the one which makes it. A folder is complete
    only when its marker exists: an interrupted build is thrown away by the next. With
    ``in_place`` it is built under its own name (a virtual environment knows its path), else
    under a temporary one and renamed.
    """
    root = cache_root()
    root.mkdir(parents=True, exist_ok=True)
    folder = root / f"{name}-{key}"
    marker = folder / ".complete"
    with (root / f"{name}-{key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if marker.exists():
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        work = folder if in_place else Path(tempfile.mkdtemp(prefix=f"{name}-", dir=root))
        try:
            build(work)
            (work / ".complete").touch()
            if work != folder:
                work.rename(folder)
        finally:
            if work != folder:
                shutil.rmtree(work, ignore_errors=True)
    return folder
