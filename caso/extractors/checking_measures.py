"""What is looked at of a measure before it is kept."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from caso.extractors.base import Extractor
from caso.lifecycle.measured import ENERGY, METERS, Measured

MEASURE = "measure"
"""What an extractor says in ``observes`` that tells what meters say of use which other records have."""
OWN_RECORDS: Mapping[str, str] = {ENERGY: "energy"}
"""What it says there of meters that have records of their own: these are made in its pass, once it has told all."""
NAME = 255


def of_measured(extractor: Extractor | type[Extractor], measured: object) -> Iterator[str]:
    """Why this measure cannot be taken; nothing where it can."""
    if not isinstance(measured, Measured):
        yield f"its measured has a {type(measured).__name__}, and no Measured"
        return
    what = f"measure {measured.meter!r} of {measured.uuid}"
    kind = OWN_RECORDS.get(measured.meter, MEASURE)
    if kind not in extractor.observes:
        yield f"{what}: {kind!r} is not in its observes, so it would not be accounted for"
    if measured.meter not in METERS:
        yield f"{what}: it is none of {', '.join(sorted(METERS))}"
    for name in ("uuid", "project_id"):
        text = getattr(measured, name)
        if not isinstance(text, str) or not 0 < len(text) <= NAME:
            yield f"{what}: {name} is {text!r}, and no text of 1 to {NAME} characters"
    yield from (f"{what}: {why}" for why in _of_times(measured))
    for name in ("amount", "covered_seconds"):
        value = getattr(measured, name)
        if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
            yield f"{what}: {name} is {value!r}, and no finite number from 0"


def _of_times(measured: Measured) -> Iterator[str]:
    times = {name: getattr(measured, name) for name in ("start", "end", "seen_at")}
    wrong = [name for name, value in times.items() if not isinstance(value, datetime) or value.tzinfo is None]
    if wrong:
        yield from (f"{name} is no time with a time zone" for name in wrong)
        return
    start, end = measured.start.astimezone(UTC), measured.end.astimezone(UTC)
    if not start < end or (end - timedelta(microseconds=1)).date() != start.date():
        yield f"{start:%FT%TZ} to {end:%FT%TZ} is no part of one UTC day"
