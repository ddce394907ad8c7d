"""Gnocchi as it answers: pages, revisions, measures of many; gnocchiclient is real, HTTP is not."""

import json
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

import pytest

from caso.errors import DeniedError, SourceError
from caso.sources import OddRow
from caso.sources.api import MissingError
from caso.sources.gnocchi import MAX_RESTARTS, PROJECTS_AT_ONCE, RESOURCES_AT_ONCE, Gnocchi
from caso.sources.gnocchi_asking import basic_api
from caso.sources.gnocchi_measures import MORE_CALLS
from caso.sources.gnocchi_rows import Level, Measures, Point
from caso.sources.manners import Manners
from caso.sources.session import new_session
from caso.testing.gnocchi import POLICY, FakeGnocchi, a_resource, metric_id
from caso.testing.sources import FakeAccess
from caso.window import Window
from tests.unit.sources.serving import saying
from tests.unit.sources.test_transport import answer
from tests.unit.sources.web import AUTH, access, token, web

__all__ = ["web"]

URL = "http://gnocchi.test"
DAY = Window.parse("2024-02-10", "2024-02-11")
CPU = ("cpu", "rate:mean", "instance")
NO_RATE = {**POLICY, "name": "low", "aggregation_methods": ["mean"]}


def gnocchi():
    manners = Manners(sleep=lambda seconds: None)
    api = basic_api(new_session(traffic=manners.traffic), f"{URL}/", "admin", manners)
    return Gnocchi(api, lambda: DAY.end)


def faked(fake):
    access = FakeAccess({"metric": fake})
    return Gnocchi(access.api("metric", "p"), lambda: DAY.end), access


def refused(description, status=404):
    return {"status_code": status, "json": {"title": "Not Found", "description": description, "code": status}}


def rows_of(pages):
    return [row for page in pages for row in page.rows]


def points(ids, *times):
    return {(resource_id, "cpu", "rate:mean"): [(time, 60e9) for time in times] for resource_id in ids}


def test_the_question_names_the_projects_and_the_window(web):
    web.post(f"{URL}/v1/search/resource/instance", json=[a_resource("a")])

    (page,) = gnocchi().resources("instance", ["p"], DAY)

    assert [row.flavor_name for row in page.rows] == ["m1.small"]
    sent = web.last_request
    assert sent.qs == {"history": ["true"], "limit": ["1000"], "sort": ["id:asc"]}
    assert sent.headers["Authorization"].startswith("basic ")
    assert sent.json()["and"][0] == {"in": {"project_id": ["p"]}}
    assert {"<": {"started_at": "2024-02-11T00:00:00+00:00"}} in sent.json()["and"][1]["and"]


def test_requests_are_counted_as_gnocchis():
    manners = Manners()
    with saying(answer(json.dumps([a_resource("a")]).encode())) as (url, requests):
        source = Gnocchi(basic_api(new_session(traffic=manners.traffic), f"{url}/v1", "admin", manners))
        rows = rows_of(source.resources("instance", None, DAY))

    assert [row.id for row in rows] == ["a"]
    assert requests[0].startswith("POST /v1/search/resource/instance?")
    assert manners.traffic.calls()["gnocchi"].requests == 1


def test_a_keystones_token_and_its_catalog_lead_to_gnocchi(web):
    web.post(f"{AUTH}/auth/tokens", json=token("p", f"{URL}/", "metric"), headers={"X-Subject-Token": "t"})
    web.post(f"{URL}/v1/search/resource/instance", json=[])

    assert list(Gnocchi(access().api("metric", "p", "one")).resources("instance", ["p"], DAY)) == []
    assert web.last_request.headers["X-Auth-Token"] == "t"


def test_a_page_that_is_full_is_followed_by_its_marker_and_not_by_its_link(web):
    link = '<http://wrong.test/v1/search/resource/instance?and=%7B%7D&marker=b%40-1>; rel="next"'
    web.post(
        f"{URL}/v1/search/resource/instance",
        [{"json": [a_resource("a"), a_resource("b")], "headers": {"Link": link}}, {"json": []}],
    )

    found = rows_of(gnocchi().resources("instance", ["p"], DAY))

    assert [row.id for row in found] == ["a", "b"]
    assert [parse_qs(urlsplit(request.url).query).get("marker") for request in web.request_history] == [None, ["b@-1"]]
    assert all("and=" not in request.url for request in web.request_history)


@pytest.mark.parametrize("max_limit", [1, 2, 3, 5, 100])
def test_all_revisions_of_a_resource_are_on_one_page_oldest_first(max_limit):
    revisions = [
        a_resource(name, revision_start=f"2024-02-0{day}T00:00:00+00:00", revision_end=end, flavor_name=f"of day {day}")
        for name in ("a", "b", "c")
        for day, end in ((1, "2024-02-10T06:00:00+00:00"), (2, "2024-02-10T07:00:00+00:00"), (3, None))
    ]
    source, _ = faked(FakeGnocchi(revisions, max_limit=max_limit))

    pages = list(source.resources("instance", ["project-1"], DAY))

    assert [(row.id, row.flavor_name) for row in rows_of(pages)] == [
        (name, f"of day {day}") for name in ("a", "b", "c") for day in (1, 2, 3)
    ]
    assert all(len(page.rows) % 3 == 0 for page in pages)


def test_an_end_that_was_told_late_is_found_and_an_old_one_is_not():
    def life(name, ended_at, told_at):
        return [
            a_resource(name, revision_end=told_at),
            a_resource(name, revision_start=told_at, ended_at=ended_at),
        ]

    source, _ = faked(
        FakeGnocchi(
            [
                *life("long gone", "2024-02-01T00:00:00+00:00", "2024-02-01T00:00:01+00:00"),
                *life("told late", "2024-02-09T23:59:00+00:00", "2024-02-10T00:01:00+00:00"),
                *life("ended inside", "2024-02-10T05:00:00+00:00", "2024-02-10T05:00:01+00:00"),
                a_resource("not yet", started_at="2024-02-11T00:00:00+00:00"),
            ]
        )
    )

    found = rows_of(source.resources("instance", ["project-1"], DAY))

    assert [(row.id, row.ended_at is not None) for row in found] == [
        ("ended inside", False),
        ("ended inside", True),
        ("told late", False),
        ("told late", True),
    ]
    assert [row.id for row in rows_of(source.resources("instance", None, DAY, history=False))] == ["ended inside"]


def test_an_odd_row_is_named_and_the_others_are_read():
    source, _ = faked(FakeGnocchi([a_resource("a", revision_start="yesterday"), a_resource("b")]))

    odd, good = rows_of(source.resources("instance", ["project-1"], DAY))

    assert isinstance(odd, OddRow)
    assert (odd.id, odd.tenant_id) == ("a", "project-1")
    assert "revision_start" in odd.reason
    assert good.id == "b"


def test_many_projects_are_asked_for_in_questions_that_fit_into_a_header():
    source, access = faked(FakeGnocchi([a_resource("a", "p99")]))

    found = rows_of(source.resources("instance", [f"p{number}" for number in range(100)], DAY))

    assert [row.id for row in found] == ["a"]
    assert len(access.requests) == 100 / PROJECTS_AT_ONCE


def test_after_a_marker_that_is_gone_the_larger_ids_are_asked_for(web):
    link = '<http://x.test/?marker=b%40-1>; rel="next"'
    web.post(
        f"{URL}/v1/search/resource/instance",
        [
            {"json": [a_resource("a"), a_resource("b")], "headers": {"Link": link}},
            refused("Invalid marker: `b@-1'", 400),
            {"json": [a_resource("c")]},
        ],
    )

    found = rows_of(gnocchi().resources("instance", ["p"], DAY))

    assert [row.id for row in found] == ["a", "c"]
    assert web.last_request.json()["and"][0] == {">": {"id": "a"}}


def test_markers_that_are_always_gone_are_an_error_in_the_end(web):
    web.post(f"{URL}/v1/search/resource/instance", **refused("Invalid marker: `b@-1'", 400))

    with pytest.raises(SourceError, match="Invalid marker"):
        list(gnocchi().resources("instance", ["p"], DAY))

    assert len(web.request_history) == MAX_RESTARTS + 1


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (
            {"status_code": 401, "text": "no"},
            DeniedError,
            r"gnocchi: cannot list the instance resources of project p: .*\(HTTP 401",
        ),
        (refused("Insufficient privileges", 403), DeniedError, "Insufficient privileges .*give the user a role"),
        (refused("Resource type instance does not exist"), MissingError, "ceilometer-upgrade"),
        (
            refused({"cause": "Argument value error", "reason": "expected int"}, 400),
            SourceError,
            "Argument value error: expected int",
        ),
        ({"status_code": 413, "text": "large"}, SourceError, "HTTP 413"),
        ({"status_code": 503, "text": "<html>busy", "headers": {"Retry-After": "0"}}, SourceError, "overloaded or down"),
        ({"status_code": 502, "content": b""}, SourceError, "overloaded or down"),
        ({"text": "<html>Welcome"}, SourceError, "the answer is no JSON"),
        ({"json": {"a": "b"}}, SourceError, "has not its usual form; is this endpoint really gnocchi"),
    ],
    ids=["401", "403", "no type", "400", "413", "503", "502", "html", "object"],
)
def test_what_goes_wrong_is_told_with_what_to_do(web, answer, error, words):
    web.post(f"{URL}/v1/search/resource/instance", **answer)

    with pytest.raises(error, match=words):
        list(gnocchi().resources("instance", ["p"], DAY))


def test_measures_of_many_are_one_call_and_those_in_the_window(web):
    ids = [f"id-{number}" for number in range(3)]
    before, inside, after = ([f"2024-02-{day}T00:00:00+00:00", 300.0, 60e9] for day in ("09", "10", "11"))
    body = {"measures": {resource_id: {"cpu": {"rate:mean": [before, inside, after]}} for resource_id in ids}}
    web.post(f"{URL}/v1/aggregates", json=body)

    found = list(gnocchi().measures(*CPU, ids, DAY, 300))

    point = Point(DAY.start.timestamp(), 300.0, 60e9)
    assert found == [Measures(resource_id, (point,)) for resource_id in ids]
    (sent,) = web.request_history
    assert sent.json() == {
        "operations": ["metric", "cpu", "rate:mean"],
        "search": {"in": {"id": ids}},
        "resource_type": "instance",
    }
    assert parse_qs(urlsplit(sent.url).query)["granularity"] == ["300"]


def test_five_hundred_resources_take_one_call_for_a_day_and_a_month_takes_parts():
    ids = [f"{number:04}" for number in range(2 * RESOURCES_AT_ONCE)]
    fake = FakeGnocchi([a_resource(name) for name in ids], points(ids, "2024-02-10T00:00:00", "2024-02-20T00:00:00"))
    source, access = faked(fake)

    day = list(source.measures(*CPU, ids, DAY, 300))

    assert len(access.requests) == 2
    assert [found.resource_id for found in day] == ids
    access.requests.clear()
    month = list(source.measures(*CPU, ids, Window.parse("2024-02-01", "2024-03-01"), 300))
    assert sum(len(found.points) for found in month) == 2 * len(ids)
    assert len(access.requests) == 2 * 17


def test_resources_that_were_never_measured_have_no_measures():
    source, _ = faked(FakeGnocchi([a_resource("a", metrics={})]))

    assert list(source.measures(*CPU, ["a", "nobody knows"], DAY, 300)) == []


@pytest.mark.parametrize("count", [2, 7, 500])
def test_one_resource_of_another_archive_policy_costs_only_itself(count):
    ids = [f"{number:04}" for number in range(count)]
    odd = ids[count // 3]
    fake = FakeGnocchi(
        [a_resource(name) for name in ids], points(ids, "2024-02-10T00:00:00"), policies={metric_id(odd, "cpu"): NO_RATE}
    )
    source, access = faked(fake)

    found = list(source.measures(*CPU, ids, DAY, 300))

    assert sorted(row.resource_id for row in found if isinstance(row, Measures)) == [name for name in ids if name != odd]
    (told,) = [row for row in found if isinstance(row, OddRow)]
    assert told.id == odd
    assert "unknown aggregation" in told.reason
    assert len(access.requests) <= 1 + MORE_CALLS


def test_an_archive_policy_without_the_aggregation_is_told_by_name(web):
    metric = metric_id("a", "cpu")
    detail = {"cause": "Metrics with unknown aggregation", "detail": [[metric, "rate:mean"]]}
    web.post(f"{URL}/v1/aggregates", **refused(detail))
    web.get(f"{URL}/v1/metric/{metric}", json={"archive_policy": NO_RATE})

    with pytest.raises(
        SourceError, match=r"there is no rate:mean of cpu each 300 s.*archive policy low: mean each 300 s for 30 days.*"
    ) as caught:
        list(gnocchi().measures(*CPU, ["a"], DAY, 300))

    assert "ceilometer-low-rate" in str(caught.value)


def test_a_granularity_that_is_not_kept_is_told_after_few_calls():
    ids = [f"{number:04}" for number in range(500)]
    source, access = faked(FakeGnocchi([a_resource(name) for name in ids]))

    with pytest.raises(SourceError, match=r"each 60 s.*correct the granularity"):
        list(source.measures(*CPU, ids, DAY, 60))

    assert len(access.requests) <= 1 + MORE_CALLS


@pytest.mark.parametrize(
    "body", [{"measures": {"a": {"cpu": {"rate:mean": [["when?", 300.0, 1.0]]}}}}, {"measures": {"a": "b"}}, {}]
)
def test_measures_that_cannot_be_read_are_a_source_error(web, body):
    web.post(f"{URL}/v1/aggregates", json=body)

    with pytest.raises(SourceError, match=r"gnocchi: cannot get rate:mean of cpu for 1 resources .*no measures can be read"):
        list(gnocchi().measures(*CPU, ["a"], DAY, 300))


def test_the_policy_of_a_metric_tells_how_long_it_is_kept():
    source, _ = faked(FakeGnocchi())

    policy = source.policy(metric_id("any", "cpu"))

    assert policy.finest == Level(300.0, 30 * 86400.0)
    assert policy.serves("rate:mean", 300)
    assert not policy.serves("rate:mean", 60)
    assert not policy.serves("max", 300)


@pytest.mark.parametrize("max_limit", [1, 2, 3, 5, 100])
def test_the_metrics_of_an_archive_policy_are_listed_to_the_end_and_once(max_limit):
    ids = [metric_id(f"r-{number}", "cpu") for number in range(5)]
    source, access = faked(
        FakeGnocchi([a_resource(f"r-{number}") for number in range(5)], policies={ids[0]: NO_RATE}, max_limit=max_limit)
    )

    told = [source.metrics_of("cpu", POLICY["name"]) for _ in range(2)]

    assert told == [frozenset(ids[1:])] * 2
    assert source.metrics_of("cpu", "low") == {ids[0]}
    asked = [path for _, _, path in access.requests if "archive_policy_name=ceilometer-low-rate" in path]
    assert len(asked) == len(set(asked))


def test_a_policy_that_cannot_be_read_is_a_source_error():
    metric = metric_id("a", "cpu")
    fake = FakeGnocchi(policies={metric: {"name": "x", "aggregation_methods": [], "definition": [{"granularity": "?"}]}})

    for name in (metric, "no id"):
        with pytest.raises(SourceError, match=f"cannot show metric {name}: no archive policy can be read"):
            faked(fake)[0].policy(name)


def test_its_client_is_loaded_by_who_asks_alone():
    script = (
        "import sys, caso.sources, caso.cli.extract; print([name for name in ('gnocchiclient', 'ijson') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
