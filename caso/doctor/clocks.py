"""Our clock beside those of the services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from caso.findings import Finding, error, ok, warning
from caso.lifecycle.actions import SKEW

NOTICEABLE_SECONDS = 10
"""A Date header is a second coarse, and an answer is on its way for some more."""
MISPLACED = "intervals begin and end by the services' clocks, and windows by ours: use falls into the wrong window"


def examine(ahead: Mapping[str, float]) -> Iterator[Finding]:
    """``ahead`` are the seconds that the clock of each service is ahead of ours."""
    if not ahead:
        return
    far = {service: seconds for service, seconds in ahead.items() if abs(seconds) >= NOTICEABLE_SECONDS}
    for service, seconds in far.items():
        how = f"the clock of {service} is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} this machine's"
        do = "see that chrony or ntpd runs, here and there (timedatectl)"
        if abs(seconds) >= SKEW.total_seconds():
            yield error(how, f"{MISPLACED}, and what was done to a server may not be told", do)
        else:
            yield warning(how, MISPLACED, do)
    if not far:
        yield ok(f"the clocks of {', '.join(ahead)} are this machine's, to {NOTICEABLE_SECONDS} s")
