"""Names that are part of what the store finds things by: one that is too long for it is refused before any work."""

from __future__ import annotations

from collections.abc import Iterable

from caso.errors import ConfigError

LONGEST = {"site_name": 150, "service_name": 150, "cloud": 100, "region_name": 100, "extractor": 64, "messengers": 64}
"""Characters that the store's columns hold, by option."""


def require_kept(option: str, names: Iterable[str]) -> None:
    """ConfigError where a name is too long to be kept: SQLite would keep it, and a server would end each run there."""
    for name in names:
        if len(name) > LONGEST[option]:
            raise ConfigError(f"{option}: {name[:20]}... is longer than {LONGEST[option]} characters; use a shorter name")
