"""What a run did, for people and for the exit status."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from caso import errors
from caso.delivery import Delivery, Preview
from caso.errors import CasoError, ConfigError, StoreError
from caso.planning import Plan
from caso.projects import Project
from caso.settling import Settled
from caso.sources.traffic import Calls
from caso.store import Changes, Scope

INTERRUPTED = "Interrupted"
"""In place of the class of an error: a person or a signal ended the run."""
FAULT = "Fault"
"""In place of the class of an error: something that caso does not know, a fault of its own."""
ERROR_CLASSES = (
    *(name for name, cls in vars(errors).items() if isinstance(cls, type) and issubclass(cls, CasoError)),
    INTERRUPTED,
    FAULT,
)
"""By what errors are counted."""


def class_of(error: BaseException) -> str:
    """What an error is counted as: the class of caso's own that is nearest to it.

    >>> class_of(errors.DeniedError("no")), class_of(KeyError("row"))
    ('DeniedError', 'Fault')
    """
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    return next((cls.__name__ for cls in type(error).__mro__ if cls.__name__ in ERROR_CLASSES), FAULT)


@dataclasses.dataclass(frozen=True)
class Coverage:
    """What a run of the whole configuration is about: scopes of other regions and extractors are configured no more."""

    cloud: str
    regions: frozenset[str]
    extractors: frozenset[str]

    def has(self, scope: Scope) -> bool:
        return scope.cloud != self.cloud or (scope.region in self.regions and scope.extractor in self.extractors)


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
    unreachable: bool = False
    """And it was refused: what its objects did in it, nobody told."""
    odd: int = 0
    ended: bool = False
    """The extractor has told all it knows of this scope."""
    inventory: frozenset[str] = frozenset()
    vanished: Counter[str] = dataclasses.field(default_factory=Counter)
    """How many of each kind of object were missing from a complete listing, and ended."""
    listed: str | None = None
    """All that there is was listed; what the extractor noted of it."""
    vouched: frozenset[str] = frozenset()
    """The kinds of which all that is known, and was not told otherwise, is as it is known, though not all was listed."""
    mended: list[str] = dataclasses.field(default_factory=list)
    """The ids of what had been remembered wrong, as a listing of all showed."""
    error: CasoError | None = None

    @property
    def scope(self) -> Scope:
        return self.plan.scope

    @property
    def changes(self) -> Changes:
        return self.settled.changes + self.own

    @property
    def records(self) -> int:
        """Records that are new or say something new."""
        return self.changes.news

    @property
    def whole(self) -> bool:
        """True when all of the window was seen, or nobody will ever tell more of it."""
        return self.ended and self.error is None

    @property
    def reached(self) -> datetime:
        """Up to where all is known of the scope after this run."""
        return self.plan.window.end if self.whole and not self.unreachable else self.plan.window.start


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
    strangers: Changes = dataclasses.field(default_factory=Changes)
    """What records of a kind of its own changed that an extractor made for no scope of this run."""
    began: datetime | None = None
    ended: datetime | None = None
    calls: Mapping[str, Calls] = dataclasses.field(default_factory=dict)
    """What was requested, by service."""
    kept: Mapping[str, timedelta] = dataclasses.field(default_factory=dict)
    """How long the services of extractors tell of what was deleted."""
    coverage: Coverage | None = None
    """None: the run was about a part only, or never learned about what."""
    dry_run: bool = False
    died_of: BaseException | None = None
    """What ended the run before its end."""
    started: bool = True
    """False where what ended it did so before anything was done."""
    unwatched: CasoError | None = None
    """Why the metrics could not be written."""

    @property
    def seconds(self) -> float:
        """How long it took; 0 where the clock was set back meanwhile."""
        return max(0.0, (self.ended - self.began).total_seconds()) if self.began and self.ended else 0.0

    @property
    def changes(self) -> Changes:
        """What the run changed in the ledger."""
        return sum((scope.changes for scope in self.scopes), self.strangers)

    @property
    def outcomes(self) -> dict[str, int]:
        """How many scopes were done, failed, or were left to another run."""
        failed = sum(scope.error is not None for scope in self.scopes)
        done = sum(scope.whole for scope in self.scopes)
        return {"done": done, "failed": failed, "locked": len(self.locked)}

    @property
    def held_up(self) -> int:
        """Cumulative values that would have fallen; the larger ones are sent."""
        return sum(scope.settled.shrunk for scope in self.scopes)

    @property
    def vanished(self) -> Counter[str]:
        return sum((scope.vanished for scope in self.scopes), Counter[str]())

    @property
    def mended(self) -> Counter[str]:
        """How many objects had been remembered wrong, by extractor."""
        found: Counter[str] = Counter()
        for scope in self.scopes:
            found[scope.scope.extractor] += len(scope.mended)
        return +found

    @property
    def errors(self) -> Counter[str]:
        """How often what went wrong, by class: each scope, messenger and refused record counts."""
        met = [
            *(scope.error for scope in self.scopes),
            *(delivery.error for delivery in self.deliveries),
            *(self.trouble, self.lastrun, self.died_of, self.unwatched),
        ]
        found = Counter(class_of(error) for error in met if error)
        found["LockedError"] += len(self.locked)
        found["RejectedError"] += sum(delivery.refused for delivery in self.deliveries)
        return +found

    @property
    def exit_status(self) -> int:
        """0 all done; 1 something is left and the next run will try it; 2 nothing was started (all held by another run)."""
        if self.died_of:
            return 2 if isinstance(self.died_of, ConfigError | StoreError) and not self.started else 1
        if self.locked and not self.scopes and not any(d.sent for d in self.deliveries):
            return 2
        left = (
            self.trouble
            or self.unwatched
            or self.unmapped
            or self.missing
            or self.locked
            or self.lastrun
            or any(s.error or s.odd for s in self.scopes)
            or not all(d.clean for d in self.deliveries)
        )
        return 1 if left else 0
