"""Until when a run may ask."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class Deadline:
    """Passes ``seconds`` after it was made, by a clock that nobody can set back; None: never.

    >>> Deadline(None).left, Deadline(0).passed
    (inf, True)
    """

    def __init__(self, seconds: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = math.inf if seconds is None else clock() + seconds

    @property
    def left(self) -> float:
        """Seconds, never less than 0; infinite where there is no deadline."""
        return max(0.0, self._end - self._clock())

    @property
    def passed(self) -> bool:
        return self.left <= 0
