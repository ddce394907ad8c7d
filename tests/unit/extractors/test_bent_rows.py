"""Whatever a field of a row is: one object is set aside or read sensibly, and all others are accounted for as without it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.unit.extractors.bent import BEFORE, MISSING, NOW, ROWS, Bend, Bendable, Rows, paths, read_paths, untouched

NAMES_OF_KINDS = {"servers": "server", "volumes": "volume", "floatingips": "address", "ports": "address", "routers": "address"}

VALUES = {
    "null": None,
    "missing": MISSING,
    "zero": 0,
    "negative": -1,
    "a fraction": 1.5,
    "enormous": 10**30,
    "infinite": float("inf"),
    "no number": float("nan"),
    "true": True,
    "empty text": "",
    "a number as text": "7",
    "much text": "x" * 100_000,
    "not ASCII": "Zoë 漢字 😀",
    "control characters": "a\x00b\x1b[31m\x7f",
    "lines": "a\nStatus: completed\n%%\r\nVMUUID: forged",
    "percents": "%%",
    "half a character": "a\ud800",
    "markup": "]]></x><!--&amp;",
    "the first day": "0001-01-01T00:00:00Z",
    "the last day": "9999-12-31T23:59:59Z",
    "behind its zone": "0001-01-01T00:00:00+14:00",
    "an empty list": [],
    "a list": [None, 1, "a", {}],
    "an empty object": {},
    "an object": {"id": {"id": []}, "a\n": None},
    "deep": [[[[[[[[[[{"a": [[[[[[[1]]]]]]]}]]]]]]]]]],
}


class Bases(NamedTuple):
    """Sites before the run, and what the recipient holds after it where nothing is bent."""

    fresh: Bendable
    knowing: Bendable
    after_fresh: Rows
    after_knowing: Rows


@pytest.fixture(scope="module")
def bases() -> Iterator[Bases]:
    with tempfile.TemporaryDirectory() as folder:
        fresh = Bendable(Path(folder) / "fresh")
        (fresh.folder / "queue").mkdir(parents=True)
        fresh.prepare()
        knowing = fresh.copied(Path(folder) / "knowing")
        knowing.run(BEFORE)
        after = []
        for number, base in enumerate((fresh, knowing)):
            site = base.copied(Path(folder) / str(number))
            report, aside = site.run(NOW)
            assert (report.exit_status, aside) == (0, set())
            after.append(site.recipient.rows)
        yield Bases(fresh, knowing, *after)


@st.composite
def bends(draw: st.DrawFn) -> Bend:
    kind = draw(st.sampled_from(sorted(ROWS)))
    number = draw(st.integers(0, len(ROWS[kind]) - 1))
    # Most of them where caso looks: of 19 000 bends only a sixth are there.
    path = draw(st.one_of(*[st.sampled_from(read_paths(kind, number))] * 4, st.sampled_from(paths(ROWS[kind][number]))))
    names = sorted(VALUES) if path else sorted(set(VALUES) - {"missing"})
    return Bend(kind, number, path, VALUES[draw(st.sampled_from(names))])


@example(Bend("volumes", 0, ("status",), VALUES["half a character"]), False)
@example(Bend("servers", 0, ("created",), VALUES["behind its zone"]), True)
@example(Bend("projects", 0, ("enabled",), VALUES["a list"]), True)
@example(Bend("ports", 1, ("id",), VALUES["much text"]), True)
@example(Bend("volumes", 2, ("id",), VALUES["markup"]), False)
@settings(max_examples=50, suppress_health_check=list(HealthCheck))
@given(bends(), st.booleans())
def test_a_bent_row_costs_no_other_object_anything(bases: Bases, bend: Bend, known: bool):
    others_go_on(bases, bend, known)


@pytest.mark.soak
@settings(max_examples=20_000, suppress_health_check=list(HealthCheck), derandomize=False)
@given(bends(), st.booleans())
def test_many_more_bent_rows_cost_no_other_object_anything(bases: Bases, bend: Bend, known: bool):
    others_go_on(bases, bend, known)


def others_go_on(bases: Bases, bend: Bend, known: bool) -> None:
    base, after = (bases.knowing, bases.after_knowing) if known else (bases.fresh, bases.after_fresh)
    with tempfile.TemporaryDirectory() as folder:
        site = base.copied(Path(folder) / "site")

        report, aside = site.run(NOW, bend)

        assert {scope.error for scope in report.scopes} == {None}
        assert site.recipient.refused == []
        assert {kind for kind, _ in aside} <= {NAMES_OF_KINDS.get(bend.kind)}
        assert len(aside) <= 1
        assert untouched(site.recipient.rows, bend) == untouched(after, bend)
        assert [path for path in (Path(folder) / "site" / "queue").rglob("*") if path.is_file()] == []
