"""Few and patient retries of what may pass; keystoneauth retries no token request, and obeys any Retry-After, be it an hour."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from keystoneauth1 import exceptions as ksa

from caso.deadline import Deadline
from caso.sources.failure import GarbledError, may_pass, reason

LOG = logging.getLogger(__name__)

RETRIES = 3
FIRST_DELAY = 0.5
"""Seconds; each delay is twice the one before."""
JITTER = 0.5
"""Each delay is longer or shorter by up to this share of it, so that those who failed together do not come back together."""
LONGEST_WAIT = 30.0
"""Seconds that a service may ask for by Retry-After; one that wants more is left to the next run."""

T = TypeVar("T")


def retried(action: Callable[[], T], what: str, deadline: Deadline, sleep: Callable[[float], None] = time.sleep) -> T:
    """What ``action`` returns, tried again a few times where its failure may pass; raises what it raised last."""
    for delay in _delays():
        try:
            return _answered(action)
        except ksa.ClientException as exc:
            wait = max(delay, retry_after(exc))
            if not may_pass(exc) or wait > min(LONGEST_WAIT, deadline.left):
                raise
            LOG.info("%s: %s; trying again in %.1f s", what, reason(exc), wait)
            sleep(wait)
    return _answered(action)


def _answered(action: Callable[[], T]) -> T:
    try:
        return action()
    except RecursionError as exc:
        # Python's JSON gives up so, in whatever library reads it: "[" a thousand times is no answer of any service.
        raise GarbledError("the answer is nested deeper than any that makes sense") from exc


def retry_after(exc: Exception) -> float:
    """Seconds that the service asks to be left alone for; 0 where it asks for nothing that can be understood."""
    response = getattr(exc, "response", None)
    text = response.headers.get("Retry-After") if response is not None else None
    if not text:
        return 0.0
    try:
        return float(text) if text.isdigit() else max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return 0.0


def _delays() -> Iterator[float]:
    for number in range(RETRIES):
        yield FIRST_DELAY * 2**number * secrets.SystemRandom().uniform(1 - JITTER, 1 + JITTER)
