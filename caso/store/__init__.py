"""What caso remembers, in one durable store: entities, the ledger, checkpoints, locks."""

from __future__ import annotations

from caso.store.book import Changes, Statement
from caso.store.checkpoints import Checkpoint
from caso.store.comparing import Compared
from caso.store.deliveries import Deliveries, Held, Tally, Waiting
from caso.store.entities import PERSON, Due
from caso.store.health import Health, file_of, health_of
from caso.store.histories import History
from caso.store.inspection import Entry, Inspection, Standing, Totals, require_store
from caso.store.lastrun import lastrun_marks, names_of_lastrun, write_lastrun
from caso.store.lives import Lived
from caso.store.locks import Lease
from caso.store.lookup import Known
from caso.store.names import Place, Scope
from caso.store.opening import open_as_it_is, open_scratch, open_store
from caso.store.periods import Mark
from caso.store.quarantine import OddLike, Quarantined
from caso.store.standing import Selection, State
from caso.store.store import Step, Store, Taken
from caso.store.subscriptions import Messaging, Subscription

__all__ = [
    "PERSON",
    "Changes",
    "Checkpoint",
    "Compared",
    "Deliveries",
    "Due",
    "Entry",
    "Health",
    "Held",
    "History",
    "Inspection",
    "Known",
    "Lease",
    "Lived",
    "Mark",
    "Messaging",
    "OddLike",
    "Place",
    "Quarantined",
    "Scope",
    "Selection",
    "Standing",
    "State",
    "Statement",
    "Step",
    "Store",
    "Subscription",
    "Taken",
    "Tally",
    "Totals",
    "Waiting",
    "file_of",
    "health_of",
    "lastrun_marks",
    "names_of_lastrun",
    "open_as_it_is",
    "open_scratch",
    "open_store",
    "require_store",
    "write_lastrun",
]
