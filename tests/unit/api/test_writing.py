"""What people write by Almanach's API: it is shown, it wins over what the services tell later, and it is billed."""

from datetime import UTC, datetime, timedelta

import pytest

from caso.api.settings import RowRules, Settings
from caso.lifecycle.server import Flavor
from caso.store import Place, open_store
from caso.testing.entities import BIG, SMALL, seen_server, seen_volume
from tests.unit.api.calling import HERE, PERIOD, SETTINGS, Api, instance, volume
from tests.unit.test_settling import Site, Told

T0 = datetime(2026, 1, 20, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
NORTH = Place("", "north")
GONE = "2026-01-01T12:00:00Z"


def entity(api, uuid, *facts):
    return [tuple(row[fact] for fact in facts) for row in api.get(f"/v1/entity/{uuid}")]


def put(api, uuid="i1", query="", **changes):
    return api.done("PUT", f"/v1/entity/instance/{uuid}{query}", changes)


def polled(api, uuid="i1", place=HERE, **facts):
    api.store.observe(place, [seen_server(uuid=uuid, **facts)], by="nova")


class TestCreating:
    def test_a_server_that_is_posted_twice_is_one_server(self, api):
        for _ in range(2):
            api.done("POST", "/v1/project/p1/instance", instance(), 201)

        assert entity(api, "i1", "name", "flavor", "end") == [("n1", "f1", None)]

    def test_a_server_that_is_posted_with_other_facts_has_them(self, api):
        api.done("POST", "/v1/project/p1/instance", instance(), 201)

        api.done("POST", "/v1/project/p1/instance", instance(name="n2", flavor="f2"), 201)

        assert entity(api, "i1", "name", "flavor") == [("n2", "f2")]

    def test_a_server_that_is_posted_late_does_not_undo_what_came_after(self, api):
        api.done("POST", "/v1/project/p1/instance", instance(), 201)
        api.done("PUT", "/v1/instance/i1/resize", {"date": "2026-01-01T12:00:00Z", "flavor": "f2"})

        api.done("POST", "/v1/project/p1/instance", instance(name="late"), 201)

        assert entity(api, "i1", "name", "flavor") == [("n1", "f1"), ("n1", "f2")]

    def test_a_server_that_ended_is_not_brought_back(self, api):
        api.done("POST", "/v1/project/p1/instance", instance(), 201)
        api.done("DELETE", "/v1/instance/i1", {"date": GONE}, 202)

        api.done("POST", "/v1/project/p1/instance", instance(), 201)

        assert entity(api, "i1", "end") == [("2026-01-01 12:00:00+00:00",)]
        later = instance(created_at="2026-01-02T00:00:00Z")
        status, error = api.refused("POST", "/v1/project/p1/instance", later)
        assert (status, error) == (400, "InstanceId: i1 has ended, and no other has its id")

    @pytest.mark.parametrize(("path", "body"), [("instance", instance()), ("volume", volume())])
    def test_what_one_project_has_no_other_creates(self, api, path, body):
        api.done("POST", f"/v1/project/p1/{path}", body, 201)

        status, error = api.refused("POST", f"/v1/project/p2/{path}", body)

        assert status == 400
        assert "is known in another project" in error

    def test_a_volume_that_is_posted_twice_is_one_volume(self, api):
        for _ in range(2):
            api.done("POST", "/v1/project/p1/volume", volume(), 201)
        assert entity(api, "v1", "size", "end") == [(10, None)]

        api.done("POST", "/v1/project/p1/volume", volume(size="20", volume_name="other", attached_to=["i1"]), 201)

        assert entity(api, "v1", "size", "name", "attached_to") == [("20", "other", ["i1"])]

    def test_a_size_that_was_sent_as_text_is_shown_so(self, api):
        api.done("POST", "/v1/project/p1/volume", volume(size="10"), 201)

        assert entity(api, "v1", "size") == [("10",)]

    def test_a_volume_type_that_is_posted_twice_keeps_its_name(self, api):
        for name in ("fast", "slow"):
            api.done("POST", "/v1/volume_type", {"type_id": "t1", "type_name": name}, 201)

        assert api.get("/v1/volume_types") == [{"volume_type_id": "t1", "volume_type_name": "fast"}]

    def test_a_volume_type_that_was_deleted_may_be_posted_with_another_name(self, api):
        api.done("POST", "/v1/volume_type", {"type_id": "t1", "type_name": "fast"}, 201)
        api.done("POST", "/v1/project/p1/volume", volume(volume_type="t1"), 201)
        api.done("DELETE", "/v1/volume_type/t1", status=202)

        api.done("POST", "/v1/volume_type", {"type_id": "t1", "type_name": "slow"}, 201)

        assert api.get("/v1/volume_type/t1")["volume_type_name"] == "slow"
        assert entity(api, "v1", "volume_type") == [("fast",)]

    def test_where_new_things_are_has_to_be_known(self, api):
        unplaced = Api(api.store, Settings())
        assert unplaced.refused("POST", "/v1/project/p1/instance", instance())[0] == 503

        polled(api, uuid="other", place=NORTH, at=T0)
        unplaced.done("POST", "/v1/project/p1/instance", instance(), 201)

        assert [lived.place for lived in api.store.lives.by_id("i1")] == [NORTH]


class TestEnding:
    @pytest.mark.parametrize(("what", "body"), [("instance", instance("x")), ("volume", volume("x"))])
    def test_nothing_ends_before_it_began(self, api, what, body):
        api.done("POST", f"/v1/project/p1/{what}", body, 201)

        status, error = api.refused("DELETE", f"/v1/{what}/x", {"date": "2026-01-01T09:59:59Z"})

        assert (status, error) == (400, "The end 2026-01-01 09:59:59+00:00 is before the start 2026-01-01 10:00:00+00:00")
        assert entity(api, "x", "end") == [(None,)]

    def test_what_ended_cannot_be_ended_or_changed(self, api):
        api.done("POST", "/v1/project/p1/instance", instance(), 201)
        api.done("POST", "/v1/project/p1/volume", volume(), 201)
        api.done("DELETE", "/v1/instance/i1", {"date": GONE}, 202)
        api.done("DELETE", "/v1/volume/v1", {"date": GONE}, 202)

        told = [
            api.refused("DELETE", "/v1/instance/i1", {"date": GONE}),
            api.refused("PUT", "/v1/instance/i1/resize", {"date": GONE, "flavor": "f"}),
            api.refused("PUT", "/v1/instance/i1/rebuild", {"rebuild_date": GONE, "distro": "", "version": "", "os_type": ""}),
            api.refused("PUT", "/v1/entity/instance/i1", {"name": "x"}),
            api.refused("DELETE", "/v1/volume/v1", {"date": GONE}),
            api.refused("PUT", "/v1/volume/v1/resize", {"date": GONE, "size": 1}),
            api.refused("PUT", "/v1/volume/v1/attach", {"date": GONE, "attachments": []}),
        ]

        server, volume_ = (404, "Entity i1 not found"), (404, "Entity v1 not found")
        assert told == [(404, "InstanceId: i1 Not Found"), server, server, server, volume_, volume_, volume_]

    def test_a_date_without_a_zone_is_utc(self, api):
        api.done("POST", "/v1/project/p1/instance", instance(created_at="2026-01-01 10:00"), 201)

        api.done("DELETE", "/v1/instance/i1", {"date": "Jan 1, 2026 14:00+02:00"}, 202)

        assert entity(api, "i1", "start", "end") == [("2026-01-01 10:00:00+00:00", "2026-01-01 12:00:00+00:00")]


class TestChanging:
    def test_a_resize_that_is_told_late_is_shown_when_it_was(self, api):
        api.done("POST", "/v1/project/p1/instance", instance(), 201)
        api.done("PUT", "/v1/instance/i1/resize", {"date": "2026-01-01T14:00:00Z", "flavor": "f3"})

        api.done("PUT", "/v1/instance/i1/resize", {"date": "2026-01-01T12:00:00Z", "flavor": "f2"})

        assert entity(api, "i1", "flavor", "start") == [
            ("f1", "2026-01-01 10:00:00+00:00"),
            ("f2", "2026-01-01 12:00:00+00:00"),
            ("f3", "2026-01-01 14:00:00+00:00"),
        ]

    def test_nothing_changes_before_it_was_created(self, api):
        api.done("POST", "/v1/project/p1/instance", instance(), 201)

        status, error = api.refused("PUT", "/v1/instance/i1/resize", {"date": "2026-01-01T09:00:00Z", "flavor": "f2"})

        assert (status, error) == (
            400,
            "The date 2026-01-01 09:00:00+00:00 is before the creation at 2026-01-01 10:00:00+00:00",
        )

    def test_a_rebuild_opens_a_row_where_the_image_is_shown(self, api):
        shown = Api(api.store, Settings(RowRules(image_meta=frozenset({"distro", "version", "os_type"})), HERE))
        shown.done("POST", "/v1/project/p1/instance", instance(), 201)
        rebuild = {"rebuild_date": "2026-01-01T11:00:00Z", "distro": "Debian", "version": "12", "os_type": "linux"}

        for _ in range(2):
            shown.done("PUT", "/v1/instance/i1/rebuild", rebuild)

        os = {"os_type": "linux"}
        assert entity(shown, "i1", "os", "last_event") == [
            (os | {"distro": "Ubuntu", "version": "14.04"}, "2026-01-01 11:00:00+00:00"),
            (os | {"distro": "Debian", "version": "12"}, "2026-01-01 11:00:00+00:00"),
        ]
        assert entity(api, "i1", "os") == [({},)]

    @pytest.mark.parametrize("size", [10, "10"])
    def test_a_volume_that_is_resized_to_the_size_that_it_has_stays_one_row(self, api, size):
        api.done("POST", "/v1/project/p1/volume", volume(size=10), 201)

        api.done("PUT", "/v1/volume/v1/resize", {"date": GONE, "size": size})

        assert entity(api, "v1", "size") == [(10,)]


class TestEditing:
    def test_what_is_edited_of_the_active_row_leaves_the_others(self, api):
        api.done("POST", "/v1/project/p1/instance", instance(), 201)
        api.done("PUT", "/v1/instance/i1/resize", {"date": "2026-01-01T12:00:00Z", "flavor": "f2"})

        row = put(api, name="new", flavor="f3", metadata={"a": {"b": [1]}})

        assert (row["name"], row["flavor"], row["metadata"]) == ("new", "f3", {"a": {"b": [1]}})
        assert entity(api, "i1", "name", "flavor", "end") == [
            ("n1", "f1", "2026-01-01 12:00:00+00:00"),
            ("new", "f3", None),
        ]

    def test_a_row_that_ended_is_edited_where_the_period_has_no_other(self, api):
        api.done("POST", "/v1/project/p1/instance", instance(), 201)
        for hour, flavor in ((12, "f2"), (14, "f3")):
            api.done("PUT", "/v1/instance/i1/resize", {"date": f"2026-01-01T{hour}:00:00Z", "flavor": flavor})

        status, error = api.refused("PUT", "/v1/entity/instance/i1?start=2026-01-01 00:00:00.0", {"flavor": "x"})
        put(api, query="?start=2026-01-01 11:00:00.0", flavor="x")

        assert (status, error) == (400, "Multiple entities found while updating a closed entity")
        assert entity(api, "i1", "flavor") == [("f1",), ("x",), ("f3",)]

    def test_nothing_is_edited_to_end_before_it_began(self, api):
        api.done("POST", "/v1/project/p1/instance", instance(), 201)

        status, error = api.refused("PUT", "/v1/entity/instance/i1", {"end_date": "2026-01-01T09:00:00.0Z"})

        assert (status, error) == (400, "The end 2026-01-01 09:00:00+00:00 is before the start 2026-01-01 10:00:00+00:00")
        assert entity(api, "i1", "end") == [(None,)]

    def test_all_that_is_wrong_is_told_at_once(self, api):
        wrong = {
            "name": 1,
            "flavor": None,
            "metadata": [],
            "os": {"distro": "a", "version": 1, "os_type": "c"},
            "end_date": "2016-01-01",
            "start_date": 5,
            "bogus": 1,
        }

        status, error = api.refused("PUT", "/v1/entity/instance/i1", wrong)

        date = "value does not match expected format %Y-%m-%dT%H:%M:%S.%fZ"
        assert status == 400
        assert error == {
            "name": "expected str",
            "flavor": "expected str",
            "metadata": "expected dict",
            "os": "expected str",
            "end_date": date,
            "start_date": date,
            "bogus": "extra keys not allowed",
        }

    def test_a_row_keeps_its_edit_when_the_services_tell_of_other_rows(self, api):
        polled(api, at=T0, created=T0 - 5 * HOUR, flavor=SMALL)
        put(api, flavor="x", start_date="2026-01-20T06:00:00.0Z", os={"distro": "d", "version": "v", "os_type": "o"})

        polled(api, at=T0 + 2 * HOUR, created=T0 - 5 * HOUR, flavor=BIG, unchanged_since=T0 + HOUR)

        first, second = api.get("/v1/entity/i1")
        assert (first["flavor"], first["start"], first["end"]) == ("x", "2026-01-20 06:00:00+00:00", "2026-01-20 11:00:00+00:00")
        assert first["os"] == {"distro": "d", "version": "v", "os_type": "o"}
        assert (second["flavor"], second["end"]) == ("big", None)

    def test_an_end_that_was_written_stays_whatever_the_services_tell(self, api):
        polled(api, at=T0, created=T0 - 5 * HOUR)
        put(api, end_date="2026-01-20T09:00:00.0Z")

        polled(api, at=T0 + 2 * HOUR, created=T0 - 5 * HOUR, flavor=BIG, unchanged_since=T0 + HOUR)

        assert entity(api, "i1", "flavor", "end") == [("small", "2026-01-20 09:00:00+00:00")]

    def test_a_volume_is_not_edited_as_a_server(self, api):
        api.done("POST", "/v1/project/p1/volume", volume(), 201)

        told = [
            api.refused("PUT", "/v1/entity/instance/v1", {"name": "x"}),
            api.refused("PUT", "/v1/entity/instance/v1?start=2000-01-01 00:00:00.0", {"name": "x"}),
        ]

        assert told == [(404, "Entity v1 not found"), (404, "InstanceId: v1 Not Found with start")]


class TestPaths:
    def test_a_volume_has_not_the_paths_of_servers_nor_a_server_those_of_volumes(self, api):
        api.done("POST", "/v1/project/p1/instance", instance("s"), 201)
        api.done("POST", "/v1/project/p1/volume", volume("v"), 201)

        told = [
            api.refused("DELETE", "/v1/instance/v", {"date": GONE}),
            api.refused("PUT", "/v1/instance/v/resize", {"date": GONE, "flavor": "f"}),
            api.refused("DELETE", "/v1/volume/s", {"date": GONE}),
            api.refused("PUT", "/v1/volume/s/attach", {"date": GONE, "attachments": []}),
        ]

        assert told == [
            (404, "InstanceId: v Not Found"),
            (404, "Entity v not found"),
            (404, "Entity s not found"),
            (404, "Entity s not found"),
        ]

    @pytest.mark.parametrize("size", [1.5, "1.5", "ten", -1, True, None, [], 2**31, "9" * 20])
    def test_a_size_that_cannot_be_billed_is_refused(self, api, size):
        assert api.refused("POST", "/v1/project/p1/volume", volume(size=size)) == (400, "Invalid parameter or payload")
        assert api.call("HEAD", "/v1/entity/v1").status_code == 404

    @pytest.mark.parametrize("name", ["id", "flavor", "name"])
    def test_what_is_no_text_is_refused(self, api, name):
        body = instance() | {name: 5}

        assert api.refused("POST", "/v1/project/p1/instance", body) == (400, "Invalid parameter or payload")

    def test_what_was_before_all_clouds_is_refused(self, api):
        status, error = api.refused("POST", "/v1/project/p1/instance", instance(created_at="1969-12-31T23:59:59Z"))

        assert (status, error) == (400, "The provided date is before 1970-01-01, when nothing was in a cloud yet")

    def test_keys_and_names_come_back_as_they_were_sent(self, api):
        api.done("POST", "/v1/project/p1/instance", instance(name='a "quoted" näme', flavor='f"1\\'), 201)

        row = put(api, metadata={"a^b": 1, "a.b": 2, "ä": 3})

        assert row["metadata"] == {"a^b": 1, "a.b": 2, "ä": 3}
        assert (row["name"], row["flavor"]) == ('a "quoted" näme', 'f"1\\')

    def test_a_flavor_of_any_name_is_found_by_it(self, api):
        odd = Flavor('m1 "größer"\\', vcpus=3, memory_mib=1024, disk_gib=1)
        polled(api, uuid="other", at=T0, flavor=odd)

        api.done("POST", "/v1/project/p1/instance", instance(flavor=odd.name), 201)

        (lived,) = api.store.lives.by_id("i1")
        assert lived.entity.intervals()[-1].value.flavor == odd


class TestWinning:
    """What is written wins over later polls, until these tell of a change."""

    def test_an_edit_holds_as_long_as_polls_tell_the_same(self, api):
        polled(api, at=T0, created=T0 - HOUR)
        put(api, flavor="x", name="mine")

        polled(api, at=T0 + HOUR, created=T0 - HOUR)

        assert entity(api, "i1", "flavor", "name") == [("x", "mine")]

    def test_a_resize_that_polls_tell_of_later_counts(self, api):
        polled(api, at=T0, created=T0 - HOUR)
        api.done("PUT", "/v1/instance/i1/resize", {"date": T0.isoformat(), "flavor": "x"})

        polled(api, at=T0 + 2 * HOUR, created=T0 - HOUR, unchanged_since=T0 + HOUR, flavor=BIG)

        assert entity(api, "i1", "flavor") == [("small",), ("x",), ("big",)]

    def test_attachments_that_were_written_are_shown_while_polls_tell_of_others(self, api):
        api.store.observe(HERE, [seen_volume(at=T0, uuid="v1")], by="cinder")
        api.done("PUT", "/v1/volume/v1/attach", {"date": "2026-01-02T00:00:00Z", "attachments": "i9"})

        api.store.observe(HERE, [seen_volume(at=T0 + HOUR, uuid="v1", server_ids=("i1",))], by="cinder")

        assert entity(api, "v1", "attached_to") == [([],), (["i9"],)]

    def test_a_volume_that_was_given_away_is_in_both_owners_lists_with_their_part(self, api):
        api.store.observe(HERE, [seen_volume(at=T0, uuid="v1", project_id="p1")], by="cinder")
        given = seen_volume(at=T0 + 2 * HOUR, uuid="v1", project_id="p2", unchanged_since=T0 + HOUR)
        api.store.observe(HERE, [given], by="cinder")

        lists = [api.get(f"/v1/project/{project}/volumes?{PERIOD}") for project in ("p1", "p2")]

        assert [[(row["project_id"], row["end"]) for row in rows] for rows in lists] == [
            [("p1", "2026-01-20 11:00:00+00:00")],
            [("p2", None)],
        ]


class TestListing:
    @pytest.mark.parametrize(
        ("start", "end", "count"),
        [
            ("09:00:00.0", "09:59:59.999999", 0),
            ("09:00:00.0", "10:00:00.0", 1),
            ("12:00:00.0", "13:00:00.0", 1),
            ("12:00:00.000001", "13:00:00.0", 0),
        ],
    )
    def test_a_row_is_listed_where_it_touches_the_period_and_is_not_clipped(self, api, start, end, count):
        api.done("POST", "/v1/project/p1/instance", instance(), 201)
        api.done("DELETE", "/v1/instance/i1", {"date": GONE}, 202)

        found = api.get(f"/v1/project/p1/instances?start=2026-01-01 {start}&end=2026-01-01 {end}")

        assert [(row["start"], row["end"]) for row in found] == [
            ("2026-01-01 10:00:00+00:00", "2026-01-01 12:00:00+00:00")
        ] * count

    def test_a_list_without_an_end_is_up_to_now(self, api):
        api.done("POST", "/v1/project/p1/instance", instance(created_at="2026-11-21T06:00:00Z"), 201)
        api.done("POST", "/v1/project/p1/instance", instance("i2", created_at="2026-11-22T06:00:00Z"), 201)

        found = api.get("/v1/project/p1/instances?start=2026-01-01 00:00:00.0")

        assert [row["entity_id"] for row in found] == ["i1"]

    def test_lists_have_instances_or_volumes_or_both(self, api):
        api.done("POST", "/v1/project/p1/instance", instance(), 201)
        api.done("POST", "/v1/project/p1/volume", volume(), 201)

        lists = [api.get(f"/v1/project/p1/{what}?{PERIOD}") for what in ("instances", "volumes", "entities")]

        assert [[row["entity_id"] for row in rows] for rows in lists] == [["i1"], ["v1"], ["i1", "v1"]]

    def test_servers_and_volumes_are_counted_each_once(self, api):
        api.done("POST", "/v1/project/p1/instance", instance(), 201)
        api.done("PUT", "/v1/instance/i1/resize", {"date": "2026-01-01T12:00:00Z", "flavor": "f2"})
        api.done("POST", "/v1/project/p1/volume", volume(), 201)
        api.done("DELETE", "/v1/volume/v1", {"date": GONE}, 202)

        counted = api.get("/v1/info", token=None)["database"]

        assert counted == {"all_entities": 2, "active_entities": 1}


class TestBilling:
    """What is written is in the records of the next run."""

    @pytest.fixture
    def site(self, tmp_path):
        return Site(tmp_path)

    def write(self, site, *requests):
        with open_store(f"sqlite:///{site.folder}/caso.sqlite") as store:
            api = Api(store, SETTINGS)
            for method, url, body, status in requests:
                api.done(method, url, body, status)

    def run(self, site, at, *seen):
        servers = [one for one in seen if hasattr(one, "launched")]
        site.run(at, nova=Told("server", north=servers), cinder=Told("volume", north=[one for one in seen if one not in servers]))

    def test_an_edited_flavor_is_billed(self, site):
        sights = [
            [seen_server(at=at, uuid="vm", created=T0 - 10 * HOUR), seen_server(at=at, uuid="big", created=T0, flavor=BIG)]
            for at in (T0, T0 + HOUR)
        ]
        self.run(site, T0, *sights[0])
        before = {record.vm_uuid: record.cpu_count for record in site.of("cloud")}

        self.write(site, ("PUT", "/v1/entity/instance/vm", {"flavor": "big"}, 200))
        self.run(site, T0 + HOUR, *sights[1])

        assert before["vm"] == SMALL.vcpus
        assert {record.vm_uuid: record.cpu_count for record in site.of("cloud")}["vm"] == BIG.vcpus

    def test_an_edited_start_and_end_are_billed(self, site):
        self.run(site, T0, seen_server(at=T0, uuid="vm", created=T0 - 10 * HOUR))
        before = [record.wall_seconds for record in site.of("cloud")]

        self.write(
            site,
            ("PUT", "/v1/entity/instance/vm", {"start_date": "2026-01-20T04:00:00.0Z"}, 200),
            ("PUT", "/v1/entity/instance/vm", {"end_date": "2026-01-20T08:30:00.0Z"}, 200),
        )
        self.run(site, T0 + HOUR, seen_server(at=T0 + HOUR, uuid="vm", created=T0 - 10 * HOUR))

        assert before == [10 * 3600]
        assert [record.wall_seconds for record in site.of("cloud")] == [4.5 * 3600]

    def test_a_closed_row_that_is_edited_to_end_later_is_billed_so(self, site):
        big = Flavor("big", vcpus=16, memory_mib=65536, disk_gib=160)
        seen = [
            seen_server(at=T0 - HOUR, uuid="vm", created=T0 - 10 * HOUR),
            seen_server(at=T0, uuid="vm", created=T0 - 10 * HOUR, unchanged_since=T0 - HOUR / 2, flavor=big),
        ]
        self.run(site, T0 - HOUR, seen[0])
        self.run(site, T0, seen[1])

        closed = "/v1/entity/instance/vm?start=2026-01-01 00:00:00.0"
        self.write(site, ("PUT", closed, {"end_date": "2026-01-20T09:45:00Z"}, 200))

        with open_store(f"sqlite:///{site.folder}/caso.sqlite") as store:
            (lived,) = store.lives.by_id("vm")
        assert [(i.value.flavor.name, i.start, i.end) for i in lived.entity.intervals()] == [
            ("small", T0 - 10 * HOUR, T0 - HOUR / 4),
            ("big", T0 - HOUR / 4, None),
        ]

    def test_a_server_that_only_a_person_told_of_is_billed_where_its_flavor_is_known(self, site):
        self.run(site, T0, seen_server(at=T0, uuid="other", created=T0 - HOUR))
        new = [instance(name, "2026-01-20T08:00:00Z", flavor) for name, flavor in (("known", "small"), ("unknown", "f9"))]

        with open_store(f"sqlite:///{site.folder}/caso.sqlite") as store:
            api = Api(store, Settings(place=NORTH))
            for body in new:
                api.done("POST", "/v1/project/project-1/instance", body, 201)
        self.run(site, T0 + HOUR, seen_server(at=T0 + HOUR, uuid="other", created=T0 - HOUR))

        assert {r.vm_uuid: (r.cpu_count, r.wall_seconds) for r in site.of("cloud")} == {
            "known": (SMALL.vcpus, 3 * 3600),
            "other": (SMALL.vcpus, 2 * 3600),
        }

    def test_a_resized_volume_is_billed(self, site):
        self.run(site, T0, seen_volume(at=T0, uuid="v1", created=T0 - 10 * HOUR))

        self.write(site, ("PUT", "/v1/volume/v1/resize", {"date": (T0 - HOUR).isoformat(), "size": "50"}, 200))
        self.run(site, T0 + HOUR, seen_volume(at=T0 + HOUR, uuid="v1", created=T0 - 10 * HOUR))

        assert [record.size_bytes // 2**30 for record in site.of("storage")][-1] == 50
