"""What a run did, for people and for the exit status."""

from __future__ import annotations

import dataclasses

from caso.delivery import Delivery, Preview
from caso.errors import CasoError
from caso.planning import Plan
from caso.projects import Project
from caso.settling import Settled
from caso.store import Changes, Scope


@dataclasses.dataclass
class ScopeReport:
    """What became of one scope; ``error`` is why its checkpoint stays, or None."""

    plan: Plan
    project: Project
    settled: Settled = dataclasses.field(default_factory=Settled)
    own: Changes = dataclasses.field(default_factory=Changes)
    """What the extractor's records of a kind of its own changed."""
    last: bool = False
    """The project is no longer to be accounted for: this is its last window."""
    odd: int = 0
    ended: bool = False
    """The extractor has told all it knows of this scope."""
    inventory: frozenset[str] = frozenset()
    error: CasoError | None = None

    @property
    def scope(self) -> Scope:
        return self.plan.scope

    @property
    def records(self) -> int:
        """Records that are new or say something new."""
        return (self.settled.changes + self.own).news

    @property
    def whole(self) -> bool:
        """True when all of the window was seen."""
        return self.ended and self.error is None


@dataclasses.dataclass
class Report:
    """What a run did, for people and for the exit status."""

    scopes: list[ScopeReport] = dataclasses.field(default_factory=list)
    unmapped: list[Project] = dataclasses.field(default_factory=list)
    missing: list[str] = dataclasses.field(default_factory=list)
    trouble: CasoError | None = None
    locked: list[str] = dataclasses.field(default_factory=list)
    deliveries: list[Delivery] = dataclasses.field(default_factory=list)
    preview: list[Preview] = dataclasses.field(default_factory=list)
    lastrun: CasoError | None = None
    """Why cASO's files could not be brought up to date."""

    @property
    def exit_status(self) -> int:
        """0 all done; 1 something is left and the next run will try it; 2 nothing was started (all held by another run)."""
        if self.locked and not self.scopes and not any(d.sent for d in self.deliveries):
            return 2
        left = (
            self.trouble
            or self.unmapped
            or self.missing
            or self.locked
            or self.lastrun
            or any(s.error or s.odd for s in self.scopes)
            or not all(d.clean for d in self.deliveries)
        )
        return 1 if left else 0
