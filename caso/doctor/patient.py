"""All that is examined, as wiring hands it over; what cannot be had raises when it is asked for, so that the rest can go on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from caso.doctor.configuration import Settings
from caso.doctor.credentials import Door
from caso.doctor.flavors import Keys
from caso.extractors.base import Extractor
from caso.messengers.base import Messenger
from caso.projects import Projects, VoMapping
from caso.sources import Sources
from caso.store import Store


@dataclasses.dataclass(frozen=True)
class Patient:
    """A site. ``clocks`` tells how far services are ahead, once they were asked; ``store`` and ``opened`` give StoreError."""

    settings: Settings
    now: datetime
    door: Callable[[], Door]
    projects: Callable[[Sources], Projects]
    mapping: Callable[[], VoMapping]
    extractors: Callable[[Sources], Mapping[str, Extractor]]
    asked_besides: Mapping[str, str]
    """Services that extractors ask besides their own, with who asks."""
    keys: Keys | None
    clocks: Callable[[], Mapping[str, float]]
    spool: Path
    connection: Callable[[], str]
    opened: Callable[[], Store]
    messengers: Mapping[str, Callable[[], Messenger]]
