"""Nova's rows, versions and listings."""

from datetime import UTC, datetime

import pytest

from caso.errors import SourceError
from caso.sources.compute import negotiate
from caso.sources.lookup import Lookup
from caso.sources.rows import OddRow, PartialRow, ServerRow, read_server
from caso.sources.versions import Microversion
from caso.testing.servers import FakeCompute, a_partial_server, a_server
from caso.testing.sources import fake_sources


@pytest.mark.parametrize(
    ("newest", "spoken"), [("2.47", "2.47"), ("2.60", "2.60"), ("2.69", "2.69"), ("2.102", "2.69"), ("3.1", "2.69")]
)
def test_the_newest_useful_microversion_is_spoken(newest, spoken):
    assert str(negotiate({"version": {"version": newest}})) == spoken


def test_a_document_of_all_versions_will_do():
    assert negotiate({"versions": [{"id": "v2.0", "version": ""}, {"id": "v2.1", "version": "2.65"}]}) == Microversion(2, 65)


@pytest.mark.parametrize("document", [{"version": {"version": "2.46"}}, {"version": {"version": ""}}, {}])
def test_a_cloud_older_than_pike_is_told_so(document):
    with pytest.raises(SourceError, match=r"too old.*2\.47"):
        negotiate(document)


def test_times_without_a_zone_are_utc():
    row = read_server(a_server())

    assert isinstance(row, ServerRow)
    assert row.created == datetime(2024, 2, 1, tzinfo=UTC)
    assert row.launched_at == datetime(2024, 2, 1, 0, 1, tzinfo=UTC)


def test_fields_that_caso_does_not_know_do_no_harm():
    assert isinstance(read_server(a_server(brand_new={"a": 1})), ServerRow)


def test_a_server_booted_from_a_volume_has_no_image():
    row = read_server(a_server(image=""))

    assert isinstance(row, ServerRow)
    assert not row.image


def test_what_servers_have_alike_is_one_and_what_differs_is_not():
    first, same, larger, odd = a_server(), a_server(), a_server(), a_server()
    larger["flavor"] = {**first["flavor"], "ram": 123}
    odd["flavor"] = {**first["flavor"], "ephemeral": None}

    rows = [read_server(raw) for raw in (first, same, larger, first)]

    assert rows[0].flavor is rows[1].flavor
    assert [row.flavor.ram for row in rows] == [first["flavor"]["ram"]] * 2 + [123] + [first["flavor"]["ram"]]
    assert isinstance(read_server(odd), OddRow)


def test_a_server_of_a_cell_that_is_down_is_partial():
    assert read_server(a_partial_server("a", "p")) == PartialRow("a", "p")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"created": "yesterday"}, "created"),
        ({"id": None}, "id"),
        ({"tenant_id": None}, "tenant_id"),
        ({"flavor": {"id": "1"}}, "flavor.original_name"),
        ({"flavor": {"original_name": "m", "vcpus": -1, "ram": 1, "disk": 1}}, "flavor.vcpus"),
        ({"addresses": {"net": [{}]}}, "addresses.net.0.addr"),
        ({"status": ""}, "status"),
        ({"id": "x" * 256}, "id: String should have at most 255 characters"),
        ({"id": "a\0b"}, "id: Value error, it holds characters that no database keeps"),
        ({"id": "half \ud83d"}, "id"),
        ({"tenant_id": "x" * 256}, "tenant_id"),
    ],
)
def test_an_odd_row_is_kept_apart_with_its_reason(changes, complaint):
    row = read_server(a_server(**changes))

    assert isinstance(row, OddRow)
    assert complaint in row.reason


def test_alive_servers_are_asked_for_without_a_limit_since_nova_hides_down_cells_behind_one():
    sent = []

    class Nova(FakeCompute):
        def answer(self, scope, path, params):
            sent.append(dict(params))
            return super().answer(scope, path, params)

    compute = fake_sources(compute=Nova([a_server(str(n)) for n in range(3)], page_size=2)).compute("one", "project-1")

    list(compute.servers("p"))
    list(compute.servers("p", changes_since=datetime(2024, 1, 1, tzinfo=UTC)))

    assert sent[0] == {}
    assert sent[1] == {"limit": "1000", "marker": "1"}
    assert sent[2] == {"changes-since": "2024-01-01T00:00:00Z", "limit": "1000"}


@pytest.mark.parametrize(("admin", "shown"), [(True, {"gone", "soft"}), (False, {"gone", "soft", "changed"})])
def test_those_that_ended_can_be_asked_for_alone_by_who_may_filter(admin, shown):
    new = "2024-03-01T00:00:00Z"
    states = {"gone": "DELETED", "soft": "SOFT_DELETED", "changed": "ACTIVE"}
    nova = FakeCompute([a_server(name, status=status, updated=new) for name, status in states.items()], admin=admin)
    compute = fake_sources(compute=nova).compute("one", "project-1")

    pages = compute.servers("p", changes_since=datetime(2024, 2, 20, tzinfo=UTC), ended=True)

    assert {row.id for page in pages for row in page.rows} == shown


def test_a_page_carries_the_time_it_came_and_whether_there_is_more():
    times = iter([datetime(2024, 1, 1, hour, tzinfo=UTC) for hour in (1, 2)])
    servers = [a_server("a"), a_server("b"), a_server("c")]
    sources = fake_sources(compute=FakeCompute(servers, page_size=2), clock=lambda: next(times))

    pages = list(sources.compute("one", "project-1").servers("p"))

    assert [(page.arrived_at.hour, page.more, len(page.rows)) for page in pages] == [(1, True, 2), (2, False, 1)]


def test_flavors_are_not_listed_where_their_properties_are_not_told():
    sources = fake_sources(compute=FakeCompute(flavors={"m1": {"a": "b"}}, microversion="2.60"))

    assert sources.compute("one", "project-1").flavors() == {}


def test_the_version_document_is_read_once_for_a_region():
    sources = fake_sources()

    for project in ("p", "q", "p"):
        list(sources.compute("one", project).servers(project))

    assert [path for _, _, path in sources._opener.requests].count("/") == 1


def test_a_lookup_lists_again_only_for_a_scope_that_misses_something():
    asked = []

    def listing(scope):
        asked.append(scope)
        return {"public": 1} | ({"private": 2} if scope == "q" else {})

    lookup = Lookup(listing)
    found = [lookup.find(name, scope) for name in ("public", "private", "gone") for scope in ("p", "p", "q", "q")]

    assert found == [1, 1, 1, 1, None, None, 2, 2, None, None, None, None]
    assert asked == ["p", "q"]
