"""Limits of the machine, made for a test."""

import contextlib
import resource
from collections.abc import Iterator


@contextlib.contextmanager
def files_end_after(size: int) -> Iterator[None]:
    """Within the block no file of this process, and of its children, may be longer than that many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
