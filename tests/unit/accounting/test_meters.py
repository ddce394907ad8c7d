"""What meters add up to: laws that hold for any samples, and the cases that the rules name."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caso.accounting.meters import Kind, days, growth, increments, integrate, per_day
from caso.window import Window

GAP = 60
KINDS = st.sampled_from(Kind)
# Whole seconds and whole values: sums of such are exact enough to compare.
TIMES = st.integers(-200, 1200).map(float)
SAMPLES = st.lists(st.tuples(TIMES, st.integers(0, 10_000).map(float)), max_size=30)
POINTS = SAMPLES.map(lambda samples: [(time, 60.0, value) for time, value in samples])
ENDS = st.tuples(st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 1000)).map(sorted)


@given(SAMPLES, ENDS, KINDS)
def test_adjacent_stretches_add_up_to_the_whole(samples, ends, kind):
    start, middle, end = ends

    first, second = integrate(samples, start, middle, GAP, kind), integrate(samples, middle, end, GAP, kind)

    whole = integrate(samples, start, end, GAP, kind)
    assert math.isclose(first.amount + second.amount, whole.amount, abs_tol=1e-6)
    assert math.isclose(first.covered_seconds + second.covered_seconds, whole.covered_seconds, abs_tol=1e-6)


@given(SAMPLES.flatmap(lambda samples: st.tuples(st.just(samples), st.permutations(samples))), KINDS)
def test_neither_order_nor_repeats_matter(both, kind):
    samples, shuffled = both

    again = integrate(shuffled + samples, 0, 1000, GAP, kind)

    assert again == integrate(samples, 0, 1000, GAP, kind)


@given(st.lists(st.tuples(TIMES, st.floats() | st.integers(-10_000, 10_000))), ENDS, KINDS)
def test_an_amount_is_never_negative_and_never_covers_more_than_there_is(samples, ends, kind):
    start, _, end = ends
    samples = [(time, value) for time, value in samples if not math.isfinite(value) or abs(value) < 1e15]

    told = integrate(samples, start, end, GAP, kind)

    assert told.amount >= 0
    assert 0 <= told.covered_seconds <= end - start + 1e-6


@given(SAMPLES, KINDS)
def test_days_add_up_to_the_window(samples, kind):
    at = datetime(2024, 2, 28, tzinfo=UTC).timestamp()
    samples = [(at + 200 * time, value) for time, value in samples]
    window = Window.parse("2024-02-28T05:00", "2024-03-01T07:00")

    slots = list(per_day(samples, window, 200 * GAP, kind))

    whole = integrate(samples, window.start.timestamp(), window.end.timestamp(), 200 * GAP, kind)
    assert [slot for slot, _ in slots] == list(days(window))
    assert math.isclose(sum(told.amount for _, told in slots), whole.amount, rel_tol=1e-9, abs_tol=1e-3)
    assert math.isclose(sum(told.covered_seconds for _, told in slots), whole.covered_seconds, abs_tol=1e-3)


@given(st.lists(st.integers(0, 100), min_size=2), st.sets(st.integers(1, 50)))
def test_a_counter_tells_what_was_counted_whenever_it_was_reset(steps, resets):
    shown, samples, counted = 0, [(0.0, 0.0)], 0
    for number, step in enumerate(steps, 1):
        if number in resets and step < shown:
            shown = 0
        shown += step
        counted += step
        samples.append((number * 300.0, float(shown)))

    told = integrate(samples, 0, len(steps) * 300, GAP, Kind.COUNTER)

    assert math.isclose(told.amount, counted, abs_tol=1e-6)
    assert told.covered_seconds == len(steps) * 300


@given(st.integers(1, 500), st.lists(st.integers(1, 60), min_size=1))
def test_a_steady_gauge_is_its_value_times_the_seconds(watts, pauses):
    times = [float(sum(pauses[:number])) for number in range(len(pauses) + 1)]

    told = integrate([(time, float(watts)) for time in times], 0, times[-1], GAP, Kind.GAUGE)

    assert math.isclose(told.amount, watts * times[-1])
    assert told.covered_seconds == times[-1]


def test_a_gauge_is_not_known_in_a_gap_and_a_counter_is():
    samples = [(0.0, 10.0), (60.0, 10.0), (121.0, 16.0)]

    assert integrate(samples, 0, 121, 60, Kind.GAUGE) == (600.0, 60.0)
    assert integrate(samples, 0, 121, 60, Kind.COUNTER) == (6.0, 121.0)


def test_a_stretch_that_is_cut_counts_by_a_straight_line():
    samples = [(0.0, 0.0), (100.0, 100.0)]

    assert integrate(samples, 50, 200, 100, Kind.GAUGE) == ((50 + 100) / 2 * 50, 50.0)
    assert integrate(samples, 25, 50, 100, Kind.COUNTER) == (25.0, 25.0)


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_as_none(odd):
    assert integrate([(0.0, 1.0), (30.0, odd), (60.0, 1.0)], 0, 60, 60, Kind.GAUGE) == (60.0, 60.0)
    assert increments([(0.0, 60.0, odd)], 0, 60) == (0.0, 0.0)


@given(POINTS, ENDS)
def test_increments_of_adjacent_stretches_add_up(points, ends):
    start, middle, end = ends

    first, second = increments(points, start, middle), increments(points, middle, end)

    whole = increments(points, start, end)
    assert math.isclose(first.amount + second.amount, whole.amount)
    assert math.isclose(first.covered_seconds + second.covered_seconds, whole.covered_seconds)
    assert increments([*reversed(points), *points], start, end) == whole


@given(st.lists(st.integers(0, 300), min_size=1), st.data())
def test_rates_and_values_of_the_same_counter_tell_the_same(seconds, data):
    """As Gnocchi makes both of samples that come once in each granularity."""
    shown = [sum(seconds[:number]) for number in range(len(seconds) + 1)]
    rates = [(300.0 * number, 300.0, float(step)) for number, step in enumerate(seconds, 1)]
    values = [(300.0 * number, 300.0, float(value)) for number, value in enumerate(shown)]
    end = 300.0 * data.draw(st.integers(1, len(seconds)))

    by_rates, by_values = increments(rates, 0.0, end + 1), growth(values, 0.0, end)

    assert math.isclose(by_rates.amount, by_values.amount, abs_tol=1e-6)


def test_only_the_finest_granularity_is_added_up():
    points = [(0.0, 3600.0, 99.0), (0.0, 300.0, 1.0), (300.0, 300.0, 2.0)]

    assert increments(points, 0, 3600).amount == 3.0


def test_what_began_in_the_stretch_is_measured_from_its_beginning():
    points = [(130.0, 300.0, 0.0), (300.0, 300.0, 90.0), (600.0, 300.0, 200.0)]

    assert growth(points, 0, 600).amount == 200.0
