"""All that one run needs, as wiring builds it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from caso.accounting.rules import Rules
from caso.delivery import Outlet
from caso.errors import CasoError
from caso.extractors.base import Extractor
from caso.planning import Period
from caso.projects import Project
from caso.sources.traffic import Traffic
from caso.store import History, Scope


@dataclasses.dataclass(frozen=True)
class Job:
    """All that one run needs, built by wiring. ``projects`` are those with a VO; ``rules`` are by region."""

    cloud: str
    projects: Sequence[Project]
    extractors: Mapping[str, Extractor]
    rules: Mapping[str, Rules]
    outlets: Sequence[Outlet]
    period: Period
    keep_months: int = 13
    threads: int = 8
    traffic: Traffic = dataclasses.field(default_factory=Traffic)
    """What is asked of the services in this run, how much of each at a time, and until when it may."""
    unmapped: Sequence[Project] = ()
    """Projects that are to be accounted for, and have no VO: reported, left undone."""
    missing: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Projects that were asked for and are not there, and why."""
    listed: frozenset[str] | None = None
    """The ids of all projects that are to be accounted for, with or without a VO; None: this run is about some only."""
    dry_run: bool = False
    """Count what each messenger would be sent, and send nothing; the store is a copy."""
    trouble: CasoError | None = None
    """Why there are no projects: the cloud did not say which."""
    regions_of: Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)
    """The regions in which the catalog has the service that an extractor asks, by its name; none for one that asks none."""

    lastrun_dir: Path | None = None
    """Where cASO's files are to be kept current; None: nowhere."""
    narrowed: bool = False
    """True when this one run was given extractors or regions of its own: other runs ask about the others."""
    some_outlets: bool = False
    """True when this one run was given messengers of its own: what is due to the others stays due."""
    unfinished: Sequence[History] = ()
    """What is left of stretches of the past that this run resumes."""
    named: frozenset[str] = frozenset()
    """The projects as the operator lists them, by id or name: cASO names its files so."""

    def offers(self, scope: Scope) -> bool:
        """Whether the catalog has the service that the scope's extractor asks."""
        return scope.region in self.regions_of.get(scope.extractor, {scope.region})

    def scopes(self) -> Iterator[tuple[Scope, Project]]:
        """Every scope of the job: each project, region and extractor."""
        for region in self.rules:
            for project in self.projects:
                for name in self.extractors:
                    yield Scope(self.cloud, region, project.id, name), project
