"""An extractor of energy that the sockets of lent machines measure: it reads a file of JSON lines, one per machine and day."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Self

from oslo_config import cfg

from caso.errors import ConfigError, SourceError
from caso.extractors.base import Ask, Extractor, Page
from caso.lifecycle.measured import ENERGY, Measured
from caso.sources import Sources
from caso.window import Window

DAY = timedelta(days=1)


class SocketsExtractor(Extractor):
    """Tells, of each day that a window touches, what the file has of it."""

    observes = frozenset({"energy"})
    options = (cfg.StrOpt("path", help="File of JSON lines with region, project, machine, day, joules and seconds."),)

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts.GroupAttr, sources: Sources, **shared: cfg.ConfigOpts.GroupAttr) -> Self:
        if not conf.path:
            raise ConfigError("[sockets] path is not set; name the file that the sockets are read into")
        return cls(Path(conf.path))

    def extract(self, ask: Ask) -> Iterator[Page]:
        """One page: the file is read whole, and serves all projects."""
        try:
            with self._path.open(encoding="utf-8") as file:
                rows = [json.loads(line) for line in file]
            told = (measured(row, ask.windows[row["project"]]) for row in rows if _is_asked_for(row, ask))
            yield Page(measured=tuple(one for one in told if one))
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise SourceError(f"cannot read {self._path}: {exc!r}; see to what writes it") from exc


def measured(row: Mapping[str, Any], window: Window) -> Measured | None:
    """What a line tells, from midnight on; None of a day that the window does not touch."""
    midnight = datetime.combine(date.fromisoformat(row["day"]), time(), UTC)
    if midnight + DAY <= window.start or midnight >= window.end:
        return None
    return Measured(
        meter=ENERGY,
        uuid=row["machine"],
        project_id=row["project"],
        start=midnight,
        end=min(midnight + DAY, window.end),
        amount=float(row["joules"]),
        covered_seconds=float(row["seconds"]),
        seen_at=window.end,
    )


def _is_asked_for(row: Mapping[str, Any], ask: Ask) -> bool:
    return row["project"] in ask.windows and row["region"] == ask.region
