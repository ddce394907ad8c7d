"""Microversions: what an endpoint says that it speaks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple


class Microversion(NamedTuple):
    """A version of an API.

    >>> str(Microversion.parse("2.69"))
    '2.69'
    """

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Microversion:
        """ValueError for what is no version; Nova's /v2 says an empty text."""
        major, minor = text.split(".")
        return cls(int(major), int(minor))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


def newest(document: Mapping[str, Any]) -> Microversion | None:
    """The newest version in an endpoint's version document; None where it names none.

    >>> newest({"versions": [{"id": "v3.0", "version": "3.71"}, {"id": "v2.0", "version": ""}]})
    Microversion(major=3, minor=71)
    """
    version = document.get("version")
    entries = [version] if isinstance(version, dict) else document.get("versions") or []
    texts = [str(entry.get("version") or "") for entry in entries if isinstance(entry, dict)]
    return max((Microversion.parse(text) for text in texts if re.fullmatch(r"\d+\.\d+", text)), default=None)
