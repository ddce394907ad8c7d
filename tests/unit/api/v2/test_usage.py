"""GET /v2/projects/ID/usage."""

import re

import pytest

from caso.testing.entities import BIG, SMALL


def test_a_month_has_what_the_project_s_own_intervals_used(ask):
    status, usage = ask("/projects/project-1/usage", **{"from": "2026-01", "to": "2026-01"})

    resized, ended, odd, written = 31 * 24, 4, 31 * 24 - 2.5, 31 * 24 - 11
    assert status == 200
    (month,) = usage["months"]
    assert (month["month"], month["start"], month["end"]) == ("2026-01", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")
    assert month["servers"] == {
        "count": 4,
        "count_of_unknown_size": 1,
        # It was first seen at three, so it slept from then on.
        "wall_hours": resized + ended - 3 + odd + written,
        "suspended_hours": 3,
        "core_hours": 4 * SMALL.vcpus + (resized - 4) * BIG.vcpus + 1 * SMALL.vcpus + odd * 0.5,
        "memory_gib_hours": 4 * 4 + (resized - 4) * 64 + 4 + odd,
        "disk_gib_hours": 4 * SMALL.disk_gib + (resized - 4) * BIG.disk_gib + SMALL.disk_gib,
    }
    assert month["volumes"] == {"count": 2, "volume_gib_hours": 20 * 10 + (31 * 24 - 20) * 30 + 5 * 10}


def test_a_volume_that_was_given_away_is_in_the_use_of_each_project_while_it_owned_it(ask):
    _, usage = ask("/projects/project-2/usage", **{"from": "2026-01", "to": "2026-01"})

    assert usage["total"]["volumes"] == {"count": 1, "volume_gib_hours": (31 * 24 - 8) * 10}


def test_the_month_that_goes_on_is_counted_up_to_now(ask):
    _, usage = ask("/projects/project-1/usage")

    (month,) = usage["months"]
    assert (month["month"], month["end"]) == ("2026-02", "2026-02-20T00:00:00Z")
    assert month["volumes"] == {"count": 1, "volume_gib_hours": 19 * 24 * 30}


def test_what_is_there_in_several_months_is_counted_once_in_their_total(ask):
    _, usage = ask("/projects/project-1/usage", **{"from": "2025-12"})

    assert [month["month"] for month in usage["months"]] == ["2025-12", "2026-01", "2026-02"]
    assert [month["servers"]["count"] for month in usage["months"]] == [0, 4, 3]
    assert usage["total"]["servers"]["count"] == 4
    assert (usage["total"]["start"], usage["total"]["end"]) == ("2025-12-01T00:00:00Z", "2026-02-20T00:00:00Z")
    for name in ("wall_hours", "core_hours", "memory_gib_hours", "disk_gib_hours", "suspended_hours"):
        assert usage["total"]["servers"][name] == pytest.approx(sum(month["servers"][name] for month in usage["months"]))


def test_of_months_to_come_there_is_no_use(ask):
    status, usage = ask("/projects/project-1/usage", **{"from": "2026-03", "to": "2026-04"})

    assert status == 200
    assert [(month["start"], month["end"]) for month in usage["months"]] == [
        ("2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z"),
        ("2026-04-01T00:00:00Z", "2026-04-01T00:00:00Z"),
    ]
    assert usage["total"]["servers"]["wall_hours"] == 0
    assert usage["total"]["volumes"]["count"] == 0


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"from": "January"}, "from: 'January' is no month; write it like 2026-01"),
        ({"to": "2026-13"}, "to: '2026-13' is no month"),
        ({"to": "2026-01-01"}, "to: '2026-01-01' is no month"),
        ({"from": "2026-02", "to": "2026-01"}, "from: 2026-02 is later than 2026-01, the last month that is asked for"),
        ({"from": "2026-03"}, "from: 2026-03 is later than 2026-02"),
        ({"from": "1990-01"}, "from 1990-01 to 2026-02 are 434 months; ask for 120 at most at a time"),
    ],
)
def test_months_that_cannot_be_meant_are_refused_with_what_to_write(ask, query, words):
    status, document = ask("/projects/project-1/usage", **query)

    assert status == 400
    assert re.match(words, document["error"])
