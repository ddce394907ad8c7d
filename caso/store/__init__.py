"""What caso remembers, in one durable store: entities, the ledger, checkpoints, locks."""

from __future__ import annotations

from caso.store.book import Changes, Statement
from caso.store.checkpoints import Checkpoint
from caso.store.deliveries import Aside, Deliveries, Held, Tally
from caso.store.entities import Due
from caso.store.locks import Lease
from caso.store.names import Place, Scope
from caso.store.opening import open_scratch, open_store
from caso.store.quarantine import OddLike, Quarantined
from caso.store.store import Step, Store
from caso.store.subscriptions import Subscription

__all__ = [
    "Aside",
    "Changes",
    "Checkpoint",
    "Deliveries",
    "Due",
    "Held",
    "Lease",
    "OddLike",
    "Place",
    "Quarantined",
    "Scope",
    "Statement",
    "Step",
    "Store",
    "Subscription",
    "Tally",
    "open_scratch",
    "open_store",
]
