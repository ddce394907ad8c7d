"""What the store remembers of runs, for those who watch them: also of what the last run was not about."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence

from caso.lifecycle.notice import Fate
from caso.report import Coverage
from caso.store import Checkpoint, Messaging, Place, Store, Totals


@dataclasses.dataclass(frozen=True)
class Standings:
    """What the store remembers of runs.

    ``checkpoints`` are those of scopes that are still to be accounted for; ``totals`` are by messenger and kind;
    ``quarantined`` is by place and kind of object, with a 0 for each kind that is observed there; ``messages`` are those of a
    queue that were taken and are not understood, by what became of them.
    """

    checkpoints: Sequence[Checkpoint] = ()
    messengers: Mapping[str, Messaging] = dataclasses.field(default_factory=dict)
    totals: Sequence[Totals] = ()
    quarantined: Mapping[tuple[Place, str], int] = dataclasses.field(default_factory=dict)
    messages: Mapping[Fate, int] = dataclasses.field(default_factory=dict)


def standings(store: Store, coverage: Coverage | None = None) -> Standings:
    """What the store remembers now; ``coverage`` leaves out scopes that are configured no more."""
    marks = [mark for mark in store.checkpoints.all() if mark.retired is None and (not coverage or coverage.has(mark.scope))]
    odd = {(mark.scope.place, kind): 0 for mark in marks for kind in mark.kinds}
    for place in sorted({mark.scope.place for mark in marks}):
        odd |= Counter((place, one.kind) for one in store.quarantined(place))
    inspection = store.ledger.inspection
    messengers = inspection.messagings()
    totals, left = inspection.totals(list(messengers)), store.events.counts((Fate.WAITING, Fate.DEAD))
    return Standings(marks, messengers, totals, dict(sorted(odd.items())), left)
