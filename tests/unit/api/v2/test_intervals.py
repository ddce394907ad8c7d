"""GET /v2/projects/ID/servers, /volumes and /resources."""

import itertools
import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from caso.store import Place
from caso.testing.entities import hours, seen_server
from tests.unit.api.v2.conftest import ENDED, GIVEN_AWAY, GROWN, ODD, RESIZED, WRITTEN

SMALL = {"name": "small", "vcpus": 2.0, "memory_mib": 4096, "disk_gib": 20, "accelerators": []}


def brief(intervals):
    return [(one["id"], one["start"], one["end"]) for one in intervals]


def test_an_interval_says_all_that_is_billed(ask):
    status, page = ask("/projects/project-1/servers")

    assert status == 200
    assert page["next"] is None
    assert page["intervals"][0] == {
        "kind": "server",
        "id": RESIZED,
        "name": "new name",
        "region": "RegionOne",
        "project_id": "project-1",
        "start": "2026-01-01T00:00:00Z",
        "end": "2026-01-01T04:00:00Z",
        "source": "poll",
        "status": "ACTIVE",
        "flavor": SMALL,
    }


def test_a_list_has_every_interval_of_every_server(ask):
    _, page = ask("/projects/project-1/servers")

    assert brief(page["intervals"]) == [
        (RESIZED, "2026-01-01T00:00:00Z", "2026-01-01T04:00:00Z"),
        (RESIZED, "2026-01-01T04:00:00Z", None),
        (ENDED, "2026-01-01T02:00:00Z", "2026-01-01T06:00:00Z"),
        (ODD, "2026-01-01T02:30:00Z", None),
        (WRITTEN, "2026-01-01T11:00:00Z", None),
    ]


def test_a_project_sees_a_volume_only_while_it_owned_it(ask):
    _, mine = ask("/projects/project-1/volumes")
    _, theirs = ask("/projects/project-2/volumes")

    assert brief(mine["intervals"])[-1:] == [(GIVEN_AWAY, "2026-01-01T03:00:00Z", "2026-01-01T08:00:00Z")]
    assert brief(theirs["intervals"]) == [(GIVEN_AWAY, "2026-01-01T08:00:00Z", None)]


def test_accelerators_and_parts_of_cores_are_shown(ask):
    _, page = ask("/projects/project-1/servers")

    flavor = next(one["flavor"] for one in page["intervals"] if one["id"] == ODD)
    assert flavor["vcpus"] == 0.5
    assert flavor["accelerators"] == [{"type": "GPU", "model": "A100", "count": 2.0}]


def test_a_volume_says_its_size_its_type_and_where_it_is_attached(ask):
    _, page = ask("/projects/project-1/volumes")

    assert [(one["size_gib"], one["type"], one["attached_to"], one["start"], one["end"]) for one in page["intervals"]] == [
        (10, "standard", ["a", "b"], "2026-01-01T00:00:00Z", "2026-01-01T20:00:00Z"),
        (30, "standard", ["a", "b"], "2026-01-01T20:00:00Z", None),
        (10, None, [], "2026-01-01T03:00:00Z", "2026-01-01T08:00:00Z"),
    ]


def test_resources_are_servers_and_volumes(ask):
    _, page = ask("/projects/project-1/resources")

    assert {one["kind"] for one in page["intervals"]} == {"server", "volume"}
    assert {one["id"] for one in page["intervals"]} == {RESIZED, ENDED, ODD, WRITTEN, GROWN, GIVEN_AWAY}


def test_intervals_are_clipped_to_the_period(ask):
    period = {"start": "2026-01-01T03:00:00Z", "end": "2026-01-01T05:00:00Z"}

    _, page = ask("/projects/project-1/servers", **period)

    assert brief(page["intervals"]) == [
        (RESIZED, "2026-01-01T03:00:00Z", "2026-01-01T04:00:00Z"),
        (RESIZED, "2026-01-01T04:00:00Z", "2026-01-01T05:00:00Z"),
        (ENDED, "2026-01-01T03:00:00Z", "2026-01-01T05:00:00Z"),
        (ODD, "2026-01-01T03:00:00Z", "2026-01-01T05:00:00Z"),
    ]


def test_intervals_are_whole_where_nobody_wants_them_clipped(ask):
    period = {"start": "2026-01-01T05:00:00Z", "end": "2026-01-01T05:30:00Z", "clip": "false"}

    _, page = ask("/projects/project-1/servers", **period)

    assert brief(page["intervals"]) == [
        (RESIZED, "2026-01-01T04:00:00Z", None),
        (ENDED, "2026-01-01T02:00:00Z", "2026-01-01T06:00:00Z"),
        (ODD, "2026-01-01T02:30:00Z", None),
    ]


@pytest.mark.parametrize(("end", "shown"), [("2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z"), ("2027-01-01T00:00:00Z", None)])
def test_nothing_is_said_to_go_on_beyond_now(ask, end, shown):
    _, page = ask("/projects/project-2/volumes", end=end)

    assert page["intervals"][0]["end"] == shown


def test_what_ends_where_the_period_begins_or_begins_where_it_ends_is_not_in_it(ask):
    _, page = ask("/projects/project-1/servers", start="2026-01-01T06:00:00Z", end="2026-01-01T11:00:00Z")

    assert [one["id"] for one in page["intervals"]] == [RESIZED, ODD]


@pytest.mark.parametrize(
    "written",
    ["2026-01-01T05:00:00Z", "2026-01-01T05:00:00", "2026-01-01 05:00", "20260101T050000Z", "2026-01-01T07:00:00+02:00"],
)
def test_a_time_may_be_written_in_any_way_of_iso_8601(ask, written):
    _, page = ask("/projects/project-1/servers", start=written)

    assert page["intervals"][0]["start"] == "2026-01-01T05:00:00Z"


def test_a_plus_that_became_a_space_is_a_plus(app):
    path = "/v2/projects/project-1/servers?start=2026-01-01T07:00:00+02:00"

    answer = app.test_client().get(path, headers={"X-Auth-Token": "all"})

    assert answer.get_json()["intervals"][0]["start"] == "2026-01-01T05:00:00Z"


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("name", ["servers", "volumes", "resources"])
def test_pages_together_are_the_whole_list(ask, app, name, limit):
    _, whole = ask(f"/projects/project-1/{name}", end="2026-01-02T00:00:00Z")

    status, page = ask(f"/projects/project-1/{name}", end="2026-01-02T00:00:00Z", limit=limit)
    found, pages = list(page["intervals"]), [page]
    while page["next"]:
        assert len({one["id"] for one in page["intervals"]}) <= limit
        page = app.test_client().get(page["next"], headers={"X-Auth-Token": "all"}).get_json()
        found += page["intervals"]
        pages.append(page)

    assert status == 200
    assert found == whole["intervals"]
    resources = len({one["id"] for one in found})
    assert len(pages) == -(-resources // limit)


def test_the_next_page_keeps_what_was_asked(ask):
    _, page = ask("/projects/project-1/servers", limit=1, clip="false", start="2026-01-01")

    url = urlsplit(page["next"])
    query = dict(parse_qsl(url.query))
    assert url.path == "/v2/projects/project-1/servers"
    assert {name: query[name] for name in ("limit", "clip", "start")} == {"limit": "1", "clip": "false", "start": "2026-01-01"}


def test_more_than_the_store_reads_at_a_time_comes_in_pages_of_any_size(store, ask, filled):
    born = [hours(100 + n // 3) for n in range(1201)]
    seen = [seen_server(at=hours(700), uuid=f"s{n:04}", created=at, project_id="many") for n, at in enumerate(born)]
    store.observe(Place("cloud", "RegionOne"), seen, by="nova")

    ids, query = [], {"limit": 700}
    for _ in itertools.count():
        _, page = ask("/projects/many/servers", **query)
        ids += [one["id"] for one in page["intervals"]]
        if not page["next"]:
            break
        query = dict(parse_qsl(urlsplit(page["next"]).query))

    assert ids == [f"s{n:04}" for n in range(1201)]


@pytest.mark.parametrize("project_id", ["nobody", "project-1%", "'"])
def test_of_a_project_that_nobody_knows_there_is_nothing(ask, project_id):
    assert ask(f"/projects/{project_id}/resources") == (200, {"intervals": [], "next": None})


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"start": "yesterday"}, "start: 'yesterday' is no time; write it like 2026-01-01T00:00:00Z"),
        ({"end": "2026-02-30"}, "end: '2026-02-30' is no time; write it like"),
        ({"start": "0001-01-01T00:00:00+23:59"}, "start: .* is no time"),
        ({"start": "2026-02-01", "end": "2026-01-01"}, "end: it lies before start; swap the two"),
        ({"limit": "0"}, "limit: '0' is none; write a number from 1 to 5000"),
        ({"limit": "5001"}, "limit: '5001' is none"),
        ({"limit": "ten"}, "limit: 'ten' is none"),
        ({"limit": ["1", "2"]}, "limit: sent 2 times; send it once"),
        ({"clip": "yes"}, "clip: 'yes' is neither; write true or false"),
        ({"strat": "2026-01-01"}, "'strat' is no parameter here; there are start, end, clip, limit, marker"),
        ({"marker": "x"}, "marker: 'x' is none; take it from the next link of a page, or leave it out"),
        ({"marker": "x" * 99}, r"marker: 'x+\.\.\.' is none"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_write(ask, query, words):
    status, document = ask("/projects/project-1/servers", **query)

    assert status == 400
    assert list(document) == ["error"]
    assert re.match(words, document["error"]), document
