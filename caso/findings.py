"""What an examination of a site finds: a sentence, why it matters, what to do."""

from __future__ import annotations

import dataclasses
from enum import StrEnum

from caso.errors import CasoError


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    """It was looked at, and is well."""
    NOTE = "note"
    """Worth knowing; nothing is wrong."""
    WARNING = "warning"
    """A run works, and something is wrong about it, or soon will be."""
    ERROR = "error"
    """A run cannot do its work, or a part of it."""


WRONG = frozenset({Level.WARNING, Level.ERROR})


@dataclasses.dataclass(frozen=True)
class Finding:
    """``what`` is the case, ``why`` that matters, what to ``do``: these two are empty where all is well."""

    level: Level
    what: str
    why: str = ""
    do: str = ""

    @property
    def wrong(self) -> bool:
        """Whether something is to be done."""
        return self.level in WRONG


def ok(what: str) -> Finding:
    return Finding(Level.OK, what)


def note(what: str, why: str = "", do: str = "") -> Finding:
    return Finding(Level.NOTE, what, why, do)


def warning(what: str, why: str, do: str) -> Finding:
    return Finding(Level.WARNING, what, why, do)


def error(what: str, why: str, do: str) -> Finding:
    return Finding(Level.ERROR, what, why, do)


def of_error(exc: CasoError, why: str, do: str = "", level: Level = Level.ERROR) -> Finding:
    """An error of caso, whose text says what to do after a semicolon; ``do`` is for one that says nothing of it.

    >>> from caso.errors import SourceError
    >>> of_error(SourceError("nova: it is down; start it"), "nothing is seen").do
    'start it'
    """
    what, _, advice = str(exc).partition("; ")
    return Finding(level, what, why, advice or do)
