"""GET /v2/resources/ID, /v2/volume-types and /v2/info."""

import pytest

from caso import __version__
from caso.lifecycle.volume import VolumeState, as_written
from caso.lifecycle.written import Field, Written
from caso.store import Place
from caso.testing.entities import hours
from tests.unit.api.v2.conftest import ENDED, GIVEN_AWAY, PLACE, RESIZED, WRITTEN


def test_the_life_of_a_server_says_who_told_it(ask):
    status, document = ask(f"/resources/{ENDED}")

    assert status == 200
    (life,) = document["resources"]
    assert (life["id"], life["kind"], life["project_id"]) == (ENDED, "server", "project-1")
    assert (life["created"], life["ended"], life["end_reason"]) == ("2026-01-01T02:00:00Z", "2026-01-01T06:00:00Z", None)
    assert life["known_at"] == "2026-01-01T07:00:00Z"
    assert [(one["status"], one["end"]) for one in life["intervals"]] == [("SUSPENDED", "2026-01-01T06:00:00Z")]
    assert {(one["source"], one["told_at"]) for one in life["told"]} == {
        ("poll", "2026-01-01T03:00:00Z"),
        ("poll", "2026-01-01T07:00:00Z"),
    }
    assert life["written"] == []


def test_what_a_person_wrote_is_shown_as_it_was_sent(ask):
    _, document = ask(f"/resources/{WRITTEN}")

    (life,) = document["resources"]
    assert life["name"] == "by hand"
    assert life["written"] == [
        {
            "written_at": "2026-01-02T06:00:00Z",
            "at": "2026-01-01T12:00:00Z",
            "until": None,
            "field": "name",
            "value": "by hand",
        }
    ]
    assert [one["source"] for one in life["told"]] == ["written"]


def test_a_former_owner_reads_its_own_part_of_a_life_and_no_more(ask):
    def read(token):
        (life,) = ask(f"/resources/{GIVEN_AWAY}", token)[1]["resources"]
        return life["project_id"], life["created"], life["ended"], {i["project_id"] for i in life["intervals"]}, len(life["told"])

    assert read("one") == ("project-1", "2026-01-01T03:00:00Z", "2026-01-01T08:00:00Z", {"project-1"}, 1)
    assert read("two") == ("project-2", "2026-01-01T08:00:00Z", None, {"project-2"}, 1)
    assert read("all") == ("project-2", "2026-01-01T03:00:00Z", None, {"project-1", "project-2"}, 2)


@pytest.mark.parametrize("resource_id", [RESIZED, "nothing", "%"])
def test_of_what_is_another_project_s_nothing_is_known(ask, resource_id):
    status, document = ask(f"/resources/{resource_id}", "two")

    assert status == 404
    assert document == {"error": f"no server or volume {resource_id} is known"}


def test_an_id_that_two_regions_have_is_two_resources(ask, filled):
    state, other = VolumeState(5, None, "project-1"), Place("cloud", "RegionTwo")
    filled.lives.write(other, "volume", RESIZED, lambda known: as_written(RESIZED, state, hours(1), hours(2), []))

    _, document = ask(f"/resources/{RESIZED}")

    assert [(life["region"], life["kind"]) for life in document["resources"]] == [
        ("RegionOne", "server"),
        ("RegionTwo", "volume"),
    ]


def test_a_volume_is_attached_to_what_was_written_until_it_is_written_otherwise(ask, filled):
    entries = [
        Written.of("r1", hours(30), hours(5), Field.ATTACHED_TO, ["s1"]),
        Written.of("r2", hours(31), hours(9), Field.ATTACHED_TO, []),
        Written.of("r3", hours(32), hours(7), Field.SIZE, 50),
    ]
    state = VolumeState(5, None, "project-1")
    filled.lives.write(PLACE, "volume", "disk", lambda known: as_written("disk", state, hours(1), hours(2), entries))

    (life,) = ask("/resources/disk")[1]["resources"]

    assert [(one["size_gib"], one["attached_to"]) for one in life["intervals"]] == [(5, ["s1"]), (50, [])]


def test_volume_types_are_shown_with_those_that_are_deleted(ask):
    assert ask("/volume-types") == (
        200,
        {
            "volume_types": [
                {"id": "t-1", "name": "standard", "region": "RegionOne", "deleted": False},
                {"id": "t-2", "name": "old", "region": "RegionOne", "deleted": True},
            ]
        },
    )


def test_info_says_how_much_is_known(ask):
    assert ask("/info") == (
        200,
        {"version": __version__, "resources": 6, "active_resources": 5, "regions": ["RegionOne"]},
    )


ONE_S_OWN = (
    "/projects/project-1/servers",
    "/projects/project-1/volumes",
    "/projects/project-1/resources",
    "/projects/project-1/usage",
)
NOBODYS = ("/volume-types", "/info")


@pytest.mark.parametrize("path", [*ONE_S_OWN, *NOBODYS, f"/resources/{RESIZED}"])
def test_who_asks_decides_what_is_answered(ask, path):
    statuses = {token: ask(path, token)[0] for token in ("all", "one", "two", "nothing", "unknown", None)}

    other = 403 if path in ONE_S_OWN else 200 if path in NOBODYS else 404
    assert statuses == {"all": 200, "one": 200, "two": other, "nothing": 403, "unknown": 401, None: 401}


@pytest.mark.parametrize("path", ["/projects/project-1/servers", "/resources/x", "/info"])
@pytest.mark.parametrize("token", ["nothing", "unknown"])
def test_who_is_turned_away_is_told_so_in_json(ask, path, token):
    _, document = ask(path, token)

    assert list(document) == ["error"]


@pytest.mark.parametrize("path", ["/nothing", "/projects/p", "/resources/", "/"])
def test_a_path_that_there_is_not_is_answered_in_json(ask, path):
    status, document = ask(path)

    assert (status, list(document)) == (404, ["error"])


@pytest.mark.parametrize("resource_id", ["a%00b", "a%0Ab", "x" * 256])
def test_an_id_that_no_database_could_hold_is_refused(app, resource_id):
    answer = app.test_client().get(f"/v2/resources/{resource_id}", headers={"X-Auth-Token": "all"})

    assert answer.status_code == 400
    assert answer.get_json()["error"].startswith("resource_id: ")
