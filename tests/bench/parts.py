"""The parts of the benchmark that ask the real cloud, one fleet after the other."""

import dataclasses
import importlib
import importlib.util
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.bench import caso522
from tests.bench.figures import CASO, FIRST, FLOOR, HOUR, OLD, QUIET, Run
from tests.bench.fleet import NOTHING, Changed, Fleet, fleet
from tests.bench.measuring import Cost
from tests.bench.runs import Site, floor

PAIRS = 5
"""How often a first run is measured beside the floor at the smallest size, at others once."""
OLD_SIZE = 5_000
"""The one size at which cASO is measured, or the smallest where this is not measured: it takes minutes."""
LARGE = 20_000
"""From so many servers on, the first role alone is measured: the whole is to take half an hour."""
HOURS = {1: 3, 5: 1, 20: 1}
"""The percentage of living servers that change in an hour, and how many such hours there are."""

Tell = Callable[[Run], None]


@dataclasses.dataclass(frozen=True)
class Wanted:
    """Which parts, sizes and roles."""

    only: Sequence[str]
    sizes: Sequence[int]
    roles: Sequence[str]


def ask_the_cloud(wanted: Wanted, tell: Tell) -> int:
    """Measure what is wanted; the number of projects that are accounted for."""
    projects = 0
    for size in wanted.sizes:
        folder = Path(tempfile.mkdtemp(prefix="caso-bench-", dir=_memory()))
        try:
            with fleet(folder / "cloud", size) as one:
                projects = len(one.cloud.truth.accounted)
                roles = wanted.roles if size < LARGE else wanted.roles[:1]
                _Measuring(one, size, size == min(wanted.sizes), size == _old_size(wanted), folder, tell).all(wanted.only, roles)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return projects


def _old_size(wanted: Wanted) -> int:
    return OLD_SIZE if OLD_SIZE in wanted.sizes else min(wanted.sizes)


@dataclasses.dataclass(frozen=True)
class _Measuring:
    fleet: Fleet
    size: int
    smallest: bool
    with_old: bool
    folder: Path
    tell: Tell

    def all(self, only: Sequence[str], roles: Sequence[str]) -> None:
        """First runs, a run to which nothing has happened, and then hours."""
        if self.smallest:
            # What a service does once after its start is not what a run costs; of a large fleet it is nothing.
            floor(self.fleet, "admin")
        sites = {}
        if {"first", "hour"} & set(only):
            sites = {role: self.first_runs(role, PAIRS if self.smallest and "first" in only else 1) for role in roles}
        if "hour" in only:
            for role, site in sites.items():
                self.note(CASO, QUIET, role, site.run(self.fleet.now + timedelta(minutes=1)))
            for percent, times in HOURS.items():
                for _ in range(times):
                    self.hour(sites, percent)
        if "caso522" in only and self.with_old:
            changed = self.hour(sites if "hour" in only else {}, 1)
            self.note(OLD, HOUR, "reader", caso522.one_hour(self.folder / "old", self.fleet.cloud, self.fleet.now), 1, changed)

    def first_runs(self, role: str, times: int) -> Site:
        """The site of the last one; each is measured right before or right after the floor."""
        for number in range(times):
            site = Site.make(self.folder / f"{role}-{number}", self.fleet.cloud, role)
            pair = [(CASO, lambda site=site: site.run(self.fleet.now)), (FLOOR, lambda: floor(self.fleet, role))]
            for who, run in pair if number % 2 else reversed(pair):
                self.note(who, FIRST, role, run())
        return site

    def hour(self, sites: Mapping[str, Site], percent: int) -> Changed:
        """An hour passes, and each site looks at what it did."""
        changed = self.fleet.hour(percent / 100)
        for role, site in sites.items():
            self.note(CASO, HOUR, role, site.run(self.fleet.now), percent, changed)
        return changed

    def note(self, who: str, what: str, role: str, cost: Cost, percent: int = 0, changed: Changed = NOTHING) -> None:
        if cost.status:
            raise RuntimeError(f"{who}, {what}, {role}, {self.size} servers: exit status {cost.status}\n{cost.said[-3000:]}")
        self.tell(Run(who, what, role, self.size, cost, percent, changed))


def prepared(sizes: Sequence[int]) -> list[dict[str, Any]]:
    """The figures without API time, where that part is there."""
    name = "tests.bench.prepared"
    if importlib.util.find_spec(name) is None:
        return []
    found: list[dict[str, Any]] = importlib.import_module(name).measure(sizes)
    return found


def _memory() -> str | None:
    """Where databases and stores cost no time of a disk."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
