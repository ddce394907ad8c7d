"""What one scope's accounting pass works with."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from caso.accounting.rules import Rules
from caso.lifecycle.address import Address
from caso.planning import Plan
from caso.store import Changes, Place, Step
from caso.window import Month


@dataclasses.dataclass
class Settled:
    """What one scope's pass put into the ledger; ``shrunk`` counts values that were held up so as not to fall."""

    changes: Changes = dataclasses.field(default_factory=Changes)
    shrunk: int = 0

    def __add__(self, other: Settled) -> Settled:
        return Settled(self.changes + other.changes, self.shrunk + other.shrunk)


@dataclasses.dataclass(frozen=True)
class Accounts:
    """How a run accounts: the rules of each region, the VO of each project, the kinds of objects each extractor observes.

    ``seen_since`` is when the run began to ask.
    """

    rules: Mapping[str, Rules]
    vo_of: Mapping[str, str]
    observes: Mapping[str, frozenset[str]]
    seen_since: datetime


@dataclasses.dataclass(frozen=True)
class Context:
    """One scope's pass: ``whole`` where all of its window was seen, ``last`` where no other will come."""

    step: Step
    plan: Plan
    accounts: Accounts
    whole: bool
    settled: Settled
    last: bool = False
    _leading: dict[Month, Mapping[str, Sequence[str]]] = dataclasses.field(default_factory=dict)

    @property
    def place(self) -> Place:
        return self.plan.scope.place

    @property
    def project_id(self) -> str:
        return self.plan.scope.project_id

    @property
    def rules(self) -> Rules:
        return self.accounts.rules[self.plan.scope.region]

    @property
    def touched_since(self) -> datetime | None:
        """Account only for what was seen since; None: for all that is owed."""
        return None if self.whole else self.accounts.seen_since

    def leading(self, since: Month) -> Mapping[str, Sequence[str]]:
        """The ids of the addresses held since a month that ever led to each server: few texts, where the addresses may be many.

        They are looked through once for all servers that are accounted for since the same month.
        """
        if since not in self._leading:
            found: dict[str, list[str]] = {}
            for address in self.addresses(since.start):
                for server_id in {interval.value.server_id for interval in address.intervals()} - {None}:
                    found.setdefault(str(server_id), []).append(address.id)
            self._leading[since] = found
        return self._leading[since]

    def addresses(self, since: datetime, place: Place | None = None) -> Iterator[Address]:
        """The project's addresses in a place, its own by default, that it had not given back before ``since``."""
        for item in self.step.entities.lived(place or self.place, self.project_id, since=since, kind="address"):
            yield item.entity
