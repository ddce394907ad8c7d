"""What caso-api is told about itself: plain values."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from caso import __version__
from caso.accounting.rules import SUSPENDED_STATES
from caso.store import Place

ONE_MEBIBYTE = 1024 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class RowRules:
    """By what rules Almanach's rows are made.

    A server of which nothing but its end is known has none if it lived less than ``server_existence``. What a volume was for
    less than ``volume_existence`` has no row of its own. Of ``metadata`` and ``image_meta`` only these keys are shown.
    """

    server_existence: timedelta = timedelta(seconds=900)
    volume_existence: timedelta = timedelta(seconds=60)
    metadata: frozenset[str] = frozenset()
    image_meta: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """``place`` is where that lives which is written and not known yet; None: where all that is known lives.

    ``max_body_bytes`` is the size of the largest body of a request that is read. ``suspended_states`` are Nova's states in
    which a server holds nothing.
    """

    rules: RowRules = RowRules()
    place: Place | None = None
    max_body_bytes: int = ONE_MEBIBYTE
    version: str = __version__
    suspended_states: frozenset[str] = SUSPENDED_STATES
