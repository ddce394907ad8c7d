"""What was measured, as plain data: a list of runs, and the document that ``figures.json`` is."""

import dataclasses
import json
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.bench.fleet import NOTHING, Changed
from tests.bench.measuring import Cost

CASO, FLOOR, OLD = "caso", "floor", "cASO 5.2.2"
OTHER_DAYS = ("meters", "notifications", "periods")
"""Parts that tell machine, command and commit of their own."""
FIRST, QUIET, HOUR = "first run", "nothing changed", "one hour"


@dataclasses.dataclass(frozen=True)
class Run:
    """One process, measured. ``size`` is how many living servers there are, ``changed_percent`` of them in its hour."""

    who: str
    what: str
    role: str
    size: int
    cost: Cost
    changed_percent: int = 0
    changed: Changed = NOTHING

    @classmethod
    def of(cls, row: dict[str, Any]) -> "Run":
        return cls(**{**row, "cost": Cost(**row["cost"]), "changed": Changed(**row["changed"])})


@dataclasses.dataclass
class Figures:
    """The document; what is not ``runs`` are figures of other kinds. Those of OTHER_DAYS may be of another day."""

    machine: dict[str, Any]
    command: str
    projects: int = 0
    runs: list[Run] = dataclasses.field(default_factory=list)
    prepared: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    start: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    meters: dict[str, Any] = dataclasses.field(default_factory=dict)
    notifications: dict[str, Any] = dataclasses.field(default_factory=dict)
    periods: dict[str, Any] = dataclasses.field(default_factory=dict)

    def write(self, file: Path) -> None:
        told = dataclasses.asdict(self)
        for run in told["runs"]:
            # What a client printed is for who measures, and names the folders of his machine.
            run["cost"]["said"] = ""
        file.write_text(json.dumps(told, indent=1) + "\n")

    @classmethod
    def read(cls, file: Path) -> "Figures":
        told = json.loads(file.read_text())
        return cls(**{**told, "runs": [Run.of(row) for row in told["runs"]]})

    def of(self, **wanted: object) -> list[Run]:
        """The runs that have these values, in the order in which they were made."""
        return [run for run in self.runs if all(getattr(run, name) == value for name, value in wanted.items())]

    def sizes(self) -> list[int]:
        return sorted({run.size for run in self.runs})

    def roles(self) -> list[str]:
        """Those that caso ran with, the administrator first."""
        return sorted({run.role for run in self.runs if run.who == CASO})


def seconds(runs: Iterable[Run]) -> float:
    """The median."""
    return statistics.median(run.cost.seconds for run in runs)


def peak_mib(runs: Iterable[Run]) -> float:
    return max(run.cost.peak_mib for run in runs)


def most_calls(runs: Iterable[Run]) -> int:
    """Without those about changes."""
    return max(run.cost.all_calls for run in runs)


def pair_ratio(ours: list[Run], floors: list[Run]) -> float:
    """The median of the ratios of runs that were made one right after the other: what else the machine did slowed both down."""
    return statistics.median(mine.cost.seconds / least.cost.seconds for mine, least in zip(ours, floors, strict=True))
