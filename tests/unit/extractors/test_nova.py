"""What NovaExtractor tells of a cloud, and how it asks."""

import dataclasses
import threading
from datetime import UTC, datetime, timedelta

import pytest

from caso.errors import DeniedError, SourceError
from caso.extractors.base import Ask, CannotShareError
from caso.extractors.nova import NovaExtractor
from caso.extractors.times import OVERLAP
from caso.lanes import AT_ONCE
from caso.lifecycle.server import Flavor, observe
from caso.lifecycle.timeline import Source
from caso.sources import LoginError, MissingError
from caso.testing.entities import seen_server
from caso.testing.memory import Remembered
from caso.testing.servers import FakeCompute, a_partial_server, a_server, an_action
from caso.testing.sources import REGION, FakeImage, fake_sources
from caso.window import BEGINNING, Window

NOW = datetime(2024, 3, 2, 0, 5, tzinfo=UTC)
WINDOW = Window.parse("2024-03-01", "2024-03-02")
P, Q = "project-1", "project-2"


def ask(*projects, window=WINDOW):
    return Ask(REGION, dict.fromkeys(projects or (P,), window))


def extractor(servers, *, image=None, access=None, options=None, **nova):
    sources = fake_sources(compute=FakeCompute(servers, **nova), image=image, clock=lambda: NOW, **(access or {}))
    return NovaExtractor(sources, **(options or {}))


def seen(pages):
    return {row.uuid: row for page in pages for row in page.seen}


def only(*servers, **options):
    (row,) = seen(extractor(servers, **options).extract(ask())).values()
    return row


def test_an_alive_server_is_seen_as_it_is():
    addresses = [{"addr": "192.0.2.1", "version": 4, "OS-EXT-IPS:type": "floating"}, {"addr": "2001:db8::1", "version": 6}]

    row = only(a_server(addresses={"net": addresses}))

    assert (row.state.status, row.state.project_id, row.launched, row.ended) == ("ACTIVE", P, True, None)
    assert row.seen_at == NOW
    assert row.unchanged_since == datetime(2024, 2, 1, 0, 1, tzinfo=UTC)
    assert (row.user_name, row.image_id, row.public_ip_count) == ("Ada", "image-1", 1)


def test_a_deleted_server_ended_when_it_was_terminated_else_when_it_last_changed():
    times = {"status": "DELETED", "updated": "2024-03-01T10:00:05Z"}

    assert only(a_server(**times)).ended == datetime(2024, 3, 1, 10, 0, 5, tzinfo=UTC)
    terminated = a_server(**times, **{"OS-SRV-USG:terminated_at": "2024-03-01T10:00:00.000000"})
    assert only(terminated).ended == datetime(2024, 3, 1, 10, tzinfo=UTC)


def test_a_deleted_server_without_addresses_does_not_say_how_many_it_had():
    assert only(a_server(status="DELETED", updated="2024-03-01T10:00:00Z", addresses={})).public_ip_count is None


def test_a_soft_deleted_server_is_alive_though_only_the_changes_show_it():
    row = only(a_server(status="SOFT_DELETED", updated="2024-03-01T10:00:00Z"))

    assert (row.state.status, row.ended) == ("SOFT_DELETED", None)


def test_a_server_that_never_was_launched_says_so():
    assert not only(a_server(status="ERROR", **{"OS-SRV-USG:launched_at": None})).launched


def test_a_change_that_novas_clock_puts_into_our_future_is_not_later_than_the_answer():
    assert only(a_server(updated="2024-03-02T00:09:00Z")).unchanged_since == NOW
    born = only(a_server(created="2024-03-02T00:09:00Z", updated=None))
    assert born.created == born.unchanged_since == born.seen_at


@pytest.mark.parametrize(
    "changes",
    [
        {"created": None},
        {"status": "DELETED", "updated": "2024-01-01T00:00:00Z", "OS-SRV-USG:terminated_at": "2024-01-01T00:00:00"},
        {"created": "2031-01-01T00:00:00Z"},
        {"status": "DELETED", "updated": "2024-02-01T00:00:00Z", "OS-SRV-USG:terminated_at": "2099-01-01T00:00:00"},
        {"flavor": None},
    ],
    ids=["no creation", "ended before it began", "from the future", "ended in the future", "no flavor"],
)
def test_an_impossible_server_is_quarantined_and_the_others_go_on(changes):
    window = Window.of(BEGINNING, NOW)

    pages = list(extractor([a_server("odd", **changes), a_server("well")]).extract(ask(window=window)))

    assert set(seen(pages)) == {"well"}
    odd = {item.object_id: item for page in pages for item in page.odd}["odd"]
    assert odd.kind == "server"
    assert odd.project_id == P
    assert odd.reason


def test_a_server_without_an_owner_is_quarantined_whosever_it_is():
    pages = extractor([a_server(tenant_id=None)], admin=True).extract(ask(P, Q))

    assert {item.project_id for page in pages for item in page.odd} == {None}


def test_servers_of_a_cell_that_is_down_leave_their_project_unfinished_and_are_not_seen():
    servers = [a_partial_server("hidden", P), a_partial_server("foreign", "theirs"), a_server("well", Q), a_server("too", P)]

    pages = list(extractor(servers, admin=True).extract(ask(P, Q)))

    assert {project for page in pages for project in page.unfinished} == {P}
    assert any(page.doubt for page in pages)
    assert set(seen(pages)) == {"well", "too"}


def test_a_listing_is_an_inventory_only_where_nova_tells_of_cells_that_are_down():
    def inventories(**nova):
        return [page.inventory for page in extractor([a_server("a", P)], **nova).extract(ask(P)) if page.inventory]

    assert inventories() == [{"server"}]
    assert inventories(microversion="2.68") == []


def test_a_hidden_server_of_which_not_even_the_owner_is_told_leaves_everyone_unfinished():
    pages = extractor([{"id": "x", "status": "UNKNOWN"}, a_server("a", P)], admin=True).extract(ask(P, Q))

    assert {project for page in pages for project in page.unfinished} == {P, Q}


@pytest.mark.parametrize(("page_size", "doubted"), [(2, True), (100, False)], ids=["full page", "room left"])
def test_behind_a_full_page_a_cell_that_is_down_is_told_by_its_hosts(page_size, doubted):
    servers = [a_server(str(number), P) for number in range(3)]

    pages = list(extractor(servers, admin=True, page_size=page_size, down_hosts=["host-1"]).extract(ask(P, Q)))

    assert any(page.doubt for page in pages) == doubted
    assert any(page.inventory for page in pages) != doubted


def test_a_reader_cannot_be_told_of_hosts_and_goes_on():
    servers = [a_server(str(number), P) for number in range(3)]

    assert len(seen(extractor(servers, page_size=2, down_hosts=["host-1"]).extract(ask(P)))) == 3


def test_what_changed_shortly_before_the_window_is_asked_for_again_and_what_changed_earlier_is_not():
    start = WINDOW.start

    def ended(name, before):
        at = f"{start - before:%Y-%m-%dT%H:%M:%SZ}"
        return a_server(name, status="DELETED", updated=at, **{"OS-SRV-USG:terminated_at": at})

    servers = [ended("close", OVERLAP), ended("far", OVERLAP + timedelta(seconds=1))]

    assert set(seen(extractor(servers).extract(ask()))) == {"close"}


def test_a_window_from_the_beginning_of_time_has_every_deleted_server():
    old = a_server("old", status="DELETED", created="1999-01-01T00:00:00Z", updated="1999-01-02T00:00:00Z")

    assert set(seen(extractor([old]).extract(ask(window=Window.of(BEGINNING, NOW))))) == {"old"}


def test_a_server_that_ends_between_the_two_listings_is_seen_ended():
    nova = FakeCompute([a_server("brief")])
    told = []

    for page in NovaExtractor(fake_sources(compute=nova, clock=lambda: NOW)).extract(ask()):
        told.append(page)
        nova.servers[0].update({"status": "DELETED", "updated": "2024-03-01T23:59:00Z"})

    assert [row.state.status for page in told for row in page.seen] == ["ACTIVE", "DELETED"]


def test_a_failing_page_keeps_what_came_before_it():
    pages = extractor([a_server("a"), a_server("b")], page_size=1, fail_on_page=2).extract(ask())

    assert [row.uuid for row in next(pages).seen] == ["a"]
    with pytest.raises(SourceError, match="503"):
        next(pages)


def test_each_project_has_its_own_window_in_a_shared_listing():
    late = Window.parse("2024-03-01T12:00:00", "2024-03-02")
    servers = [a_server(project, project, status="DELETED", updated="2024-03-01T06:00:00Z") for project in (P, Q)]

    pages = extractor(servers, admin=True).extract(Ask(REGION, {P: WINDOW, Q: late}))

    assert set(seen(pages)) == {P}


def test_a_role_that_sees_one_project_at_a_time_says_so():
    with pytest.raises(CannotShareError, match="no role admin"):
        list(extractor([a_server()]).extract(ask(P, Q)))


@pytest.mark.parametrize(("roles", "asked"), [({"reader", "member"}, False), ({"accounting"}, True)])
def test_a_role_of_the_sites_own_may_be_one_that_sees_all_projects_and_nova_is_asked(roles, asked):
    nova = extractor([a_server()], access={"roles": roles})

    with pytest.raises(CannotShareError):
        list(nova.extract(ask(P, Q)))

    assert bool([path for _, _, path in nova._sources._opener.requests if path == "/servers/detail"]) == asked


def test_sharing_is_given_up_where_most_servers_are_other_peoples():
    servers = [a_server(str(number), "theirs") for number in range(8)] + [a_server("mine", P)]

    with pytest.raises(CannotShareError, match="0 of the first 4"):
        list(extractor(servers, admin=True, page_size=4).extract(ask(P, Q)))
    # With everything on one page it costs nothing to go on.
    assert set(seen(extractor(servers, admin=True, page_size=100).extract(ask(P, Q)))) == {"mine"}


def test_an_administrator_without_a_role_on_a_project_lists_it_out_of_all():
    access = {"no_role_on": [Q], "configured": "admin"}
    servers = [a_server("a", P), a_server("b", Q)]

    assert set(seen(extractor(servers, admin=True, access=access).extract(ask(Q)))) == {"b"}
    with pytest.raises(LoginError):
        list(extractor(servers, access=access).extract(ask(Q)))


def test_the_image_has_the_name_that_its_property_gives_it_where_it_has_one():
    image = FakeImage({"image-1": {"vmcatcher_event_ad_mpuri": "https://appdb.example/1"}})

    def told(server, **options):
        row = only(server, image=image, **options)
        return row.image_id, row.image_name

    assert told(a_server()) == ("image-1", "https://appdb.example/1")
    assert told(a_server(image="")) == (None, None)
    assert told(a_server(image={"id": "gone"})) == ("gone", None)
    assert told(a_server(), options={"image_id_property": ""}) == ("image-1", None)


def test_servers_are_accounted_for_though_glance_is_down(caplog):
    class Down(FakeImage):
        def answer(self, _scope, _path, _params):
            raise SourceError("glance: cannot list images: HTTP 503")

    pages = list(
        extractor([a_server("a"), a_server("b"), a_server("volume", Q, image="")], image=Down(), admin=True).extract(ask(P, Q))
    )

    assert {row.image_id for row in seen(pages).values()} == {"image-1", None}
    assert {project for page in pages for project in page.unfinished} == {P}
    assert caplog.text.count("glance") == 1


@pytest.mark.parametrize("error", [DeniedError, MissingError])
def test_a_glance_that_will_never_tell_holds_no_project_up(error):
    class Closed(FakeImage):
        def answer(self, _scope, _path, _params):
            raise error("glance: cannot list images")

    pages = list(extractor([a_server("a")], image=Closed()).extract(ask()))

    assert seen(pages)["a"].image_id == "image-1"
    assert [page.unfinished for page in pages if page.unfinished] == []


def test_flavors_count_as_they_are_now_and_as_at_boot_where_they_are_gone():
    now = {"accounting:benchmark_type": "hs", "accounting:benchmark_value": "5"}
    gone = a_server("gone")
    gone["flavor"] = gone["flavor"] | {"original_name": "gone", "extra_specs": now | {"accounting:benchmark_value": "3"}}

    rows = seen(extractor([a_server("here"), gone], flavors={"m1.medium": now}).extract(ask()))

    assert {name: row.state.flavor.benchmark.value for name, row in rows.items()} == {"here": 5.0, "gone": 3.0}


def test_nothing_is_asked_twice_for_two_projects():
    sources = fake_sources(compute=FakeCompute([a_server("a", P), a_server("b", Q)]))
    nova = NovaExtractor(sources)

    for project in (P, Q):
        list(nova.extract(ask(project)))

    asked = [(service, path) for service, _, path in sources._opener.requests]
    listings = [("compute", "/servers/detail")] * 4
    assert sorted(asked) == sorted(
        [*listings, ("compute", "/"), ("compute", "/flavors/detail"), ("image", "/v2/images"), ("identity", "/users")]
    )


def known_server(**changes):
    """What caso knows of server-1, which it saw running at the start of the window."""
    born, medium = datetime(2024, 2, 1, tzinfo=UTC), Flavor("m1.medium", vcpus=2, memory_mib=4096, disk_gib=40)
    return observe(None, seen_server(at=WINDOW.start, uuid="server-1", created=born, flavor=medium, **changes))


def told_of(memory, servers, **nova):
    """What actions tell of the servers, and the Nova that was asked."""
    compute = FakeCompute(servers, **nova)
    sources = fake_sources(compute=compute, clock=lambda: NOW)
    pages = NovaExtractor(sources).extract(Ask(REGION, {P: WINDOW}, memory=memory))
    return [claim for page in pages for row in page.seen for claim in row.told], compute


SUSPENDED = a_server(status="SUSPENDED", updated="2024-03-01T12:00:00Z")
ACTIONS = {"server-1": [an_action("suspend", "2024-03-01T10:00:00")]}


def test_a_server_that_is_not_as_it_was_known_is_asked_for_its_actions_once():
    (claim,), compute = told_of(Remembered(server=[known_server()]), [SUSPENDED, a_server("other")], actions=ACTIONS)

    assert (claim.since, claim.source) == (datetime(2024, 3, 1, 10, tzinfo=UTC), Source.ACTION)
    assert compute.asked == ["server-1"]


def test_a_server_that_is_as_it_was_known_or_new_is_not_asked_for_its_actions():
    _, compute = told_of(Remembered(server=[known_server()]), [a_server(), a_server("new", status="SUSPENDED")])

    assert compute.asked == []


def many(count):
    """So many servers that are not as they were known, their memory, and the actions of each."""
    ids = [f"server-{number}" for number in range(1, count + 1)]
    memory = Remembered(server=[dataclasses.replace(known_server(), uuid=uuid) for uuid in ids])
    return memory, [SUSPENDED | {"id": uuid} for uuid in ids], dict.fromkeys(ids, ACTIONS["server-1"])


def test_a_server_whose_actions_cannot_be_had_costs_no_other_server_its_times(caplog):
    memory, rows, actions = many(8)
    odd = {f"server-{number}" for number in (1, 2, 4, 5, 7)}

    claims, compute = told_of(memory, rows, actions=actions, fail_on_actions=odd)

    assert (len(claims), len(compute.asked)) == (3, 8)
    assert caplog.text.count("its changes count from when rows of servers were last written") == len(odd)


def test_where_nova_tells_of_no_actions_the_rows_alone_count_and_it_is_soon_left_in_peace(caplog):
    memory, rows, actions = many(8)

    claims, compute = told_of(memory, rows, fail_on_actions=actions)

    assert (claims, compute.asked) == ([], ["server-1", "server-2", "server-3"])
    assert caplog.text.count("no more servers are asked about") == 1


def test_once_nova_has_answered_it_is_asked_about_several_servers_at_a_time():
    together = threading.Barrier(AT_ONCE, timeout=60)

    class Slow(FakeCompute):
        def answer(self, scope, path, params):
            if path.endswith("os-instance-actions") and self.asked:
                together.wait()
            return super().answer(scope, path, params)

    memory, rows, _ = many(1 + 2 * AT_ONCE)
    hours = {row["id"]: number for number, row in enumerate(rows, start=1)}
    actions = {uuid: [an_action("suspend", f"2024-03-01T{hour:02}:00:00")] for uuid, hour in hours.items()}
    sources = fake_sources(compute=Slow(rows, actions=actions), clock=lambda: NOW)

    pages = NovaExtractor(sources).extract(Ask(REGION, {P: WINDOW}, memory=memory))

    assert {row.uuid: claim.since.hour for page in pages for row in page.seen for claim in row.told} == hours


def test_who_may_not_see_actions_asks_once(caplog):
    class Closed(FakeCompute):
        def answer(self, scope, path, params):
            if path.endswith("os-instance-actions"):
                self.asked.append(path)
                raise DeniedError("nova: cannot show what was done: Policy doesn't allow it (HTTP 403)")
            return super().answer(scope, path, params)

    memory, rows, _ = many(3)
    compute = Closed(rows)

    found = seen(NovaExtractor(fake_sources(compute=compute, clock=lambda: NOW)).extract(Ask(REGION, {P: WINDOW}, memory=memory)))

    assert (len(found), len(compute.asked)) == (3, 1)
    assert caplog.text.count("no more servers are asked about") == 1


def test_a_nova_before_2_58_is_asked_without_a_time_and_tells_when_actions_began():
    old = {"server-1": [{key: value for key, value in ACTIONS["server-1"][0].items() if key != "updated_at"}]}

    (claim,), _ = told_of(Remembered(server=[known_server()]), [SUSPENDED], actions=old, microversion="2.53")

    assert claim.since == datetime(2024, 3, 1, 9, 59, 55, tzinfo=UTC)


def test_an_action_that_nobody_has_begun_to_do_tells_nothing():
    waiting = {"server-1": [an_action("suspend", "2024-03-01T10:00:00", updated_at=None)]}

    told, _ = told_of(Remembered(server=[known_server()]), [SUSPENDED], actions=waiting)

    assert told == []
