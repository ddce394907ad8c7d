"""What CinderExtractor tells of a cloud, and how it asks."""

from datetime import UTC, datetime, timedelta

import pytest

from caso.errors import SourceError
from caso.extractors.base import Ask, CannotShareError, Listing
from caso.extractors.cinder import CinderExtractor
from caso.lifecycle.volume import observe
from caso.sources import LoginError
from caso.testing.entities import seen_volume
from caso.testing.memory import Remembered
from caso.testing.sources import REGION, fake_sources
from caso.testing.volumes import FakeVolume, a_volume
from caso.window import Window

NOW = datetime(2024, 3, 2, 0, 5, tzinfo=UTC)
BEFORE = NOW - timedelta(hours=1)
WINDOW = Window.of(BEFORE, NOW)
CREATED = datetime(2024, 2, 1, tzinfo=UTC)
P, Q = "project-1", "project-2"


def ask(*projects, memory=None):
    windows = dict.fromkeys(projects or (P,), WINDOW)
    return Ask(REGION, windows, memory=memory) if memory else Ask(REGION, windows)


def extractor(volumes, *, access=None, **cinder):
    sources = fake_sources(volume=FakeVolume(volumes, **cinder), clock=lambda: NOW, **(access or {}))
    return CinderExtractor(sources)


def seen(pages):
    return {row.uuid: row for page in pages for row in page.seen}


def inventories(pages):
    return [page.inventory for page in pages if page.inventory]


def paths(extractor):
    return [path for service, _, path in extractor._sources._opener.requests if service == "block-storage"]


def only(volume):
    (row,) = seen(extractor([volume]).extract(ask())).values()
    return row


def test_a_volume_is_seen_as_it_is():
    row = only(a_volume(size=20))

    assert (row.uuid, row.name, row.status, row.ended) == ("volume-1", "name of volume-1", "available", None)
    assert (row.state.size_gib, row.state.type, row.state.project_id) == (20, "standard", P)
    assert (row.created, row.unchanged_since, row.seen_at) == (CREATED, CREATED + timedelta(seconds=5), NOW)
    assert (row.user_id, row.user_name, row.server_ids) == ("user-1", "Ada", ())


def test_a_volume_that_is_attached_twice_names_both_servers():
    attachments = [{"server_id": "one", "attached_at": None}, {"server_id": "two", "attached_at": "2024-02-01T00:00:00.0"}]

    assert only(a_volume(attachments=attachments, status="in-use")).server_ids == ("one", "two")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": None},
        {"attachments": None},
        {"attachments": [{"server_id": None, "host_name": "host"}]},
        {"volume_type": None},
        {"user_id": None},
        {"updated_at": None},
        {"status": "error"},
        {"size": 0},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_a_volume_may_lack_costs_nothing(changes):
    row = only(a_volume(**changes))

    assert row.server_ids == ()
    assert row.unchanged_since >= row.created == CREATED


def test_a_volume_that_does_not_tell_whose_it_is_is_the_tokens_projects():
    row = a_volume()
    del row["os-vol-tenant-attr:tenant_id"]

    assert only(row).project_id == P
    together = list(extractor([row, a_volume("b", Q)], admin=True).extract(ask(P, Q)))
    assert [(odd.object_id, odd.project_id) for page in together for odd in page.odd] == [("volume-1", None)]


@pytest.mark.parametrize("changes", [{"created_at": None}, {"size": None}, {"created_at": "2031-01-01T00:00:00"}])
def test_an_impossible_volume_is_quarantined_and_the_others_go_on(changes):
    pages = list(extractor([a_volume("odd", **changes), a_volume("well")]).extract(ask()))

    assert set(seen(pages)) == {"well"}
    ((odd,),) = [page.odd for page in pages if page.odd]
    assert (odd.kind, odd.object_id, odd.project_id) == ("volume", "odd", P)
    assert odd.reason


def test_a_complete_listing_is_an_inventory_and_half_a_one_is_not():
    assert inventories(extractor([a_volume("a"), a_volume("b")], page_size=1).extract(ask())) == [{"volume"}]

    pages = extractor([a_volume("a"), a_volume("b")], page_size=1, fail_on_page=2).extract(ask())
    kept = next(pages)
    with pytest.raises(SourceError, match="503"):
        next(pages)
    assert [row.uuid for row in kept.seen] == ["a"]
    assert not kept.inventory


def test_an_administrator_lists_all_projects_at_once_and_others_peoples_are_dropped():
    cinder = extractor([a_volume("a", P), a_volume("b", Q), a_volume("c", "theirs")], admin=True)

    pages = list(cinder.extract(ask(P, Q)))

    assert set(seen(pages)) == {"a", "b"}
    assert inventories(pages) == [{"volume"}]
    assert paths(cinder) == ["/volumes/detail"]


def test_without_the_role_admin_nothing_is_asked_of_all_projects():
    for roles in ({"reader"}, {"accounting"}):
        cinder = extractor([a_volume("a", P), a_volume("b", Q)], access={"roles": roles})

        with pytest.raises(CannotShareError, match="no role admin"):
            list(cinder.extract(ask(P, Q)))

        assert paths(cinder) == []


def test_an_administrator_who_is_shown_his_own_project_only_claims_no_inventory_of_others():
    cinder = extractor([a_volume("a", P), a_volume("b", Q)], access={"roles": {"admin"}})
    told = []

    with pytest.raises(CannotShareError, match="own project only"):
        told.extend(cinder.extract(ask(P, Q)))

    assert inventories(told) == []


def test_sharing_is_given_up_where_most_volumes_are_other_peoples():
    volumes = [a_volume(str(number), "theirs") for number in range(8)] + [a_volume("mine", P)]

    with pytest.raises(CannotShareError, match="0 of the first 4 volumes"):
        list(extractor(volumes, admin=True, page_size=4).extract(ask(P, Q)))


def test_an_administrator_without_a_role_on_a_project_lists_it_out_of_all():
    volumes = [a_volume("a", P), a_volume("b", Q)]
    access = {"no_role_on": [Q], "configured": P}

    assert set(seen(extractor(volumes, admin=True, access=access).extract(ask(Q)))) == {"b"}
    with pytest.raises(LoginError):
        list(extractor(volumes, access=access).extract(ask(Q)))
    # Cinder takes the name of a project for no filter from whom it does not take for an administrator.
    with pytest.raises(LoginError):
        list(extractor(volumes, access=access | {"roles": {"admin"}}).extract(ask(Q)))


def test_out_of_all_an_empty_answer_is_the_truth_for_who_sees_others_and_for_nobody_else():
    access = {"no_role_on": [Q], "configured": P, "roles": {"admin"}}
    memory = Remembered(volume=[observe(None, seen_volume(at=NOW, uuid="b", project_id=Q))])
    volumes = [a_volume("mine", P), a_volume("theirs", "somebody-else")]

    all_seeing = list(extractor(volumes, admin=True, access=access).extract(ask(Q, memory=memory)))

    assert inventories(all_seeing) == [{"volume"}]
    with pytest.raises(LoginError):
        list(extractor(volumes[:1], admin=True, access=access).extract(ask(Q, memory=memory)))


def test_a_listing_asks_for_no_version():
    cinder = extractor([a_volume()])

    list(cinder.extract(ask()))

    assert paths(cinder) == ["/volumes/detail"]


# The check in place of a listing, where many volumes are known.

OLD = "2024-02-01T00:00:00.000000"
SOON = "2024-03-02T00:01:00.000000"


def known(*ids, size=10, listed=BEFORE, noted="2 3 0 0", projects=(P,)):
    at = BEFORE + timedelta(minutes=1)
    volumes = [observe(None, seen_volume(uuid=i, at=at, created=CREATED, size_gib=size)) for i in ids]
    return Remembered(listings=dict.fromkeys(projects, Listing(listed, noted)), volume=volumes)


def check(volumes, memory=None, **cinder):
    asked = extractor(volumes, **cinder)
    pages = list(asked.extract(ask(memory=memory or known("a", "b", "c"))))
    return pages, paths(asked)


def test_where_nothing_changed_all_are_vouched_for_and_no_inventory_is_claimed():
    pages, asked = check([a_volume(i) for i in "abc"])

    assert asked == ["/", "/volumes/detail", "/volumes/summary", "/volumes/detail"]
    assert seen(pages) == {}
    assert [page.vouched for page in pages] == [{"volume"}]
    assert inventories(pages) == []


@pytest.mark.parametrize("listed", [None, BEFORE - timedelta(days=1), NOW + timedelta(days=400)])
def test_all_are_listed_once_a_day_and_where_nobody_knows_when_they_were(listed):
    memory = known("a", "b", "c", listed=listed, projects=(P,) if listed else ())

    pages, asked = check([a_volume(i) for i in "abc"], memory)

    assert asked == ["/volumes/detail"]
    assert [page.listed for page in pages if page.inventory] == ["1 3 0 0"]


@pytest.mark.parametrize(
    "volumes",
    [
        [a_volume("a"), a_volume("b")],
        [a_volume("a"), a_volume("b"), a_volume("new", created_at=SOON, updated_at=None)],
        [a_volume("a"), a_volume("b"), a_volume("c"), a_volume("came", updated_at=OLD)],
        [a_volume("a"), a_volume("b"), a_volume("c", size=11)],
        [a_volume("a"), a_volume("b"), a_volume("c"), a_volume("odd", created_at=SOON, user_id=7)],
        [a_volume("b"), a_volume("c"), a_volume("odd", updated_at=SOON, user_id=7)],
    ],
    ids=["one gone", "its like made", "one that nobody saw come", "another size, unsaid", "one that is odd", "odd for gone"],
)
def test_where_the_total_is_not_what_is_known_all_are_listed(volumes):
    pages, asked = check(volumes)

    assert asked[-1] == "/volumes/detail"
    assert len(asked) == 5
    assert inventories(pages) == [{"volume"}]
    assert set(seen(pages)) == {volume["id"] for volume in volumes} - {"odd"}


def test_what_changed_and_what_was_made_is_told_as_it_is_now():
    changed = a_volume("a", size=30, updated_at=SOON)
    made = a_volume("new", created_at=SOON, updated_at=None)

    pages, asked = check([changed, a_volume("b"), a_volume("c"), made])

    rows = seen(pages)
    assert len(asked) == 4
    assert set(rows) == {"a", "new"}
    assert rows["a"].state.size_gib == 30
    assert rows["new"].created == datetime(2024, 3, 2, 0, 1, tzinfo=UTC)


def test_few_volumes_are_listed_and_so_are_those_of_an_old_cinder():
    assert check([a_volume("a")], known("a", noted="1 1 0 0"))[1] == ["/volumes/detail"]
    assert check([a_volume(i) for i in "abc"], microversion="3.59")[1] == ["/", "/volumes/detail"]


def shared(volumes, memory):
    cinder = extractor(volumes, admin=True)
    pages = list(cinder.extract(ask(P, Q, memory=memory)))
    return pages, paths(cinder)


OURS = [a_volume("a", P), a_volume("b", P), a_volume("c", P), a_volume("d", Q)]


def test_out_of_all_projects_the_volumes_of_others_are_noted_when_all_are_listed():
    pages, _ = shared([*OURS, a_volume("x", "somebody", size=7), a_volume("y", "somebody", size=5)], known("a", projects=()))

    assert [page.listed for page in pages if page.inventory] == ["1 6 2 12"]


def test_out_of_all_projects_the_total_is_that_of_what_is_known_and_of_the_others():
    memory = known("a", "b", "c", "d", noted="2 5 1 7", projects=(P, Q))
    memory_of_d = Remembered(
        listings={P: memory.listing(P), Q: memory.listing(Q)},
        volume=[
            observe(None, seen_volume(uuid=i, at=BEFORE, created=CREATED, size_gib=10, project_id=Q if i == "d" else P))
            for i in "abcd"
        ],
    )

    pages, asked = shared([*OURS, a_volume("x", "somebody", size=7)], memory_of_d)
    gone, asked_for_gone = shared([*OURS[1:], a_volume("x", "somebody", size=7)], memory_of_d)

    assert asked == ["/", "/volumes/detail", "/volumes/summary", "/volumes/detail"]
    assert [page.vouched for page in pages] == [{"volume"}]
    assert len(asked_for_gone) == 5
    assert inventories(gone) == [{"volume"}]


@pytest.mark.parametrize("change", [{"updated_at": SOON}, {"created_at": SOON, "updated_at": None}])
def test_out_of_all_projects_all_are_listed_where_a_volume_of_others_changed(change):
    memory = known("a", "b", "c", "d", noted="2 5 1 7", projects=(P, Q))

    pages, _ = shared([*OURS, a_volume("x", "somebody", size=7, **change)], memory)

    assert inventories(pages) == [{"volume"}]


@pytest.mark.parametrize(("rows", "listed"), [(99, True), (100, False)])
def test_a_page_of_many_volumes_of_all_projects_is_saved_and_one_of_few_is_listed(rows, listed):
    volumes = known("a", "b", "c").living("volume", P)
    memory = Remembered(listings=dict.fromkeys((P, Q), Listing(BEFORE, f"1 {rows} 0 0")), volume=list(volumes))

    _, asked = shared(OURS, memory)

    assert (asked == ["/volumes/detail"]) == listed


@pytest.mark.parametrize("noted", ["2 0 0", "", "pages"])
def test_what_another_caso_noted_says_nothing(noted):
    _, asked = check([a_volume(i) for i in "abc"], known("a", "b", "c", noted=noted))

    assert asked == ["/volumes/detail"]


def test_a_page_of_many_volumes_of_one_project_is_listed():
    _, asked = check([a_volume(i) for i in "abc"], known("a", "b", "c", noted="1 999 0 0"))

    assert asked == ["/volumes/detail"]


def test_projects_that_were_listed_apart_were_not_told_of_the_same_others():
    volumes = known("a", "b", "c", "d")
    apart = Remembered(
        listings={P: Listing(BEFORE, "2 4 0 0"), Q: Listing(BEFORE, "2 5 1 7")}, volume=list(volumes.living("volume", P))
    )

    _, asked = shared(OURS, apart)

    assert asked == ["/volumes/detail"]


def test_a_volume_that_is_made_after_the_total_has_all_be_listed():
    class Busy(FakeVolume):
        def answer(self, scope, path, params):
            answer = super().answer(scope, path, params)
            if path == "/volumes/summary":
                self.volumes[0] = a_volume("new", created_at=SOON, updated_at=None)
            return answer

    sources = fake_sources(volume=Busy([a_volume(i) for i in "abc"]), clock=lambda: NOW)

    pages = list(CinderExtractor(sources).extract(ask(memory=known("a", "b", "c"))))

    assert set(seen(pages)) == {"new", "b", "c"}
    assert inventories(pages) == [{"volume"}]
