"""How often Python looks for garbage in cycles."""

from __future__ import annotations

import gc

THRESHOLDS = (20_000, 20, 20)
"""A page of a thousand servers is some hundred thousand objects, none of them in a cycle."""


def collect_seldom() -> None:
    """For a process that makes many objects and few cycles: what there is by now is never looked through again.

    With Python's own thresholds a run spends a sixth of its processor time on looking through rows for what it never finds.
    """
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
