"""What was promised of the figures, and whether it is so."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from tests.bench import metered
from tests.bench.figures import CASO, FIRST, FLOOR, HOUR, OLD, Figures, most_calls, pair_ratio, seconds

ALMOST_NOTHING = 1
"""The percentage of changed servers that the promises about an hour are about."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """One promise: what it is about, what was measured, what is promised, and whether that is met."""

    about: str
    measured: str
    promised: str
    met: bool


def verdicts(figures: Figures) -> Iterator[Verdict]:
    """Those that the runs which were made can tell of."""
    for role in figures.roles():
        for size in figures.sizes():
            yield from _first(figures, role, size)
        yield from _hour_calls(figures, role)
        for size in figures.sizes()[-1:]:
            yield from _hour_seconds(figures, role, size)
        yield from _beside_the_old(figures, role)
    yield from _prepared(figures.prepared)
    yield from _meters(figures.meters.get("lines", []))
    for line in figures.start:
        if line["name"].endswith("--help"):
            yield Verdict(
                "caso-extract --help: seconds / import oslo_config.cfg", f"{line['ratio']:.2f}", "less than 3", line["ratio"] < 3
            )


def _first(figures: Figures, role: str, size: int) -> Iterator[Verdict]:
    ours, floors = (figures.of(who=who, what=FIRST, role=role, size=size) for who in (CASO, FLOOR))
    if not (ours and floors):
        return
    ratio = pair_ratio(ours, floors)
    about = f"first run, {size:,} servers, {role}"
    yield Verdict(f"{about}: seconds, caso / floor ({_pairs(len(ours))})", f"{ratio:.2f}", "at most 1.2", ratio <= 1.2)
    calls, least = most_calls(ours), most_calls(floors)
    yield Verdict(f"{about}: calls", f"{calls}, the floor {least}", f"at most {least + 10}", calls <= least + 10)


def _hour_calls(figures: Figures, role: str) -> Iterator[Verdict]:
    """Calls that do not grow with the fleet, and one question for each server that is billed otherwise, at most."""
    budget = 20 if role == "admin" else 6 * figures.projects + 10
    most: dict[int, int] = {}
    for size in figures.sizes():
        hours = figures.of(who=CASO, what=HOUR, role=role, size=size, changed_percent=ALMOST_NOTHING)
        if not hours:
            continue
        about = f"one hour, 1 % of {size:,} servers changed, {role}"
        calls, allowed = most_calls(hours), budget + max(run.cost.pages_of_changes for run in hours)
        yield Verdict(f"{about}: calls", str(calls), f"at most {allowed}", calls <= allowed)
        asked = max(hours, key=lambda run: run.cost.about_changes - run.changed.billed)
        questions, billed = asked.cost.about_changes, asked.changed.billed
        yield Verdict(f"{about}: questions about changes", str(questions), f"at most {billed}", questions <= billed)
        most[size] = calls
    if len(most) > 1:
        told = ", ".join(f"{calls} at {size:,}" for size, calls in most.items())
        yield Verdict(f"one hour, 1 % changed, {role}: calls at each size", told, "the same", len(set(most.values())) == 1)


def _hour_seconds(figures: Figures, role: str, size: int) -> Iterator[Verdict]:
    hours = figures.of(who=CASO, what=HOUR, role=role, size=size, changed_percent=ALMOST_NOTHING)
    floors = figures.of(who=FLOOR, what=FIRST, role=role, size=size)
    if hours and floors:
        ratio = seconds(hours) / seconds(floors)
        about = f"one hour, 1 % of {size:,} servers changed, {role}: seconds, caso / floor of a full listing"
        yield Verdict(about, f"{ratio:.3f}", "at most 0.1", ratio <= 0.1)


def _beside_the_old(figures: Figures, role: str) -> Iterator[Verdict]:
    for old in figures.of(who=OLD):
        hours = figures.of(who=CASO, what=HOUR, role=role, size=old.size, changed_percent=old.changed_percent)
        if hours:
            ratio = old.cost.seconds / seconds(hours)
            about = f"one hour, 1 % of {old.size:,} servers changed, {role}: seconds, cASO 5.2.2 / caso"
            yield Verdict(about, f"{ratio:.0f}", "at least 50", ratio >= 50)


def _prepared(lines: list[dict[str, Any]]) -> Iterator[Verdict]:
    """Without API time: the ratio to the bare script at each size, and memory that does not grow."""
    for line in lines:
        most = 3 if line["run"] == "first run" else 2
        about = f"prepared pages, {line['servers']:,} servers, {line['run']}: seconds, caso / bare script"
        yield Verdict(about, f"{line['ratio']:.2f}", f"at most {most}", line["ratio"] <= most)
    if lines:
        sizes = [line["servers"] for line in lines]
        # The peak of a size is that of its runs.
        least, largest = (max(line["peak_mib"] for line in lines if line["servers"] == pick(sizes)) for pick in (min, max))
        told = f"{largest} MiB, {least} MiB at {min(sizes):,}"
        met = largest <= min(1.2 * least, 200)
        promised = "at most 1.2 of the smallest, and 200 MiB"
        yield Verdict(f"prepared pages, {max(sizes):,} servers: peak memory", told, promised, met)


def _meters(lines: list[dict[str, Any]]) -> Iterator[Verdict]:
    """Questions that do not come one for each server."""
    for line in lines:
        about = f"{line['extractors']}, {line['run']}, {line['servers']:,} servers"
        if "measures" in line:
            asked, most = line["measures"], metered.measures_allowed(line)
            yield Verdict(f"{about}: questions to Gnocchi for measures", str(asked), f"at most {most}", asked <= most)
        elif line["who"] == CASO:
            asked, most = line["queries"], metered.queries_allowed(line)
            yield Verdict(f"{about}: queries to Prometheus", str(asked), f"at most {most}", asked <= most)


def _pairs(count: int) -> str:
    return f"median of {count} pairs" if count > 1 else "one pair"
