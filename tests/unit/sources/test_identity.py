"""Projects and users are found with whatever the role allows."""

import pytest

from caso.errors import DeniedError
from caso.sources import LoginError, Scope
from caso.sources.users import Users
from caso.testing.sources import FakeAccess, FakeIdentity, fake_sources

ONE, TWO, FAR = "1" * 32, "2" * 32, "3" * 32
PROJECTS = [
    {"id": ONE, "name": "one", "domain_id": "d", "tags": ["caso"], "egi.VO": "ops"},
    {"id": TWO, "name": "two", "domain_id": "d", "tags": []},
    {"id": FAR, "name": "far", "domain_id": "e", "tags": ["caso"]},
]


def identity(projects=PROJECTS, users=None, **options):
    access = {name: options.pop(name) for name in ("configured", "no_role_on", "fail_on_request") if name in options}
    return fake_sources(identity=FakeIdentity(projects, users, **options), **access).identity


def requests_of(identity):
    return [(scope, path) for _, scope, path in identity._opener.requests]


def test_tagged_projects_come_from_one_listing_where_the_configured_scope_may():
    keystone = identity()

    found = keystone.projects_with_tag("caso")

    assert [(row.name, row.property("egi.VO")) for row in found.projects] == [("one", "ops"), ("far", None)]
    assert requests_of(keystone) == [(Scope.AS_CONFIGURED, "/projects")]


def test_the_system_is_asked_where_the_configured_scope_may_not_and_first_from_then_on():
    keystone = identity(lists_for=[Scope.SYSTEM])

    keystone.projects_with_tag("caso")
    keystone.projects_with_tag("caso")

    assert [scope for scope, _ in requests_of(keystone)] == [Scope.AS_CONFIGURED, Scope.SYSTEM, Scope.SYSTEM]


@pytest.mark.parametrize("no_role_on", [[], [Scope.SYSTEM]], ids=["refused", "no token"])
def test_a_user_that_may_list_nothing_gets_the_tagged_ones_it_has_a_role_on(no_role_on):
    keystone = identity(lists_for=[], own=[ONE, TWO], no_role_on=no_role_on)

    assert [row.name for row in keystone.projects_with_tag("caso").projects] == ["one"]


def test_wrong_credentials_are_tried_once():
    keystone = identity(no_role_on=[Scope.AS_CONFIGURED, Scope.SYSTEM])

    with pytest.raises(LoginError):
        keystone.projects_with_tag("caso")

    assert requests_of(keystone) == []


def test_a_keystone_that_filters_after_cutting_is_asked_for_all_projects():
    class FiltersAfterCutting(FakeIdentity):
        def answer(self, scope, path, params):
            if path == "/projects" and "tags" in params:
                return {"projects": [], "truncated": True, "links": {"next": None}}
            return super().answer(scope, path, params)

    keystone = fake_sources(identity=FiltersAfterCutting(PROJECTS)).identity

    assert [row.name for row in keystone.projects_with_tag("caso").projects] == ["one", "far"]


def test_projects_are_found_by_id_and_by_name_each_once():
    found = identity().projects_named([ONE, "one", "two", ONE])

    assert [row.id for row in found.projects] == [ONE, TWO]
    assert found.missing == {}


def test_a_project_without_a_role_on_it_is_looked_up_by_id_or_name():
    for text in (FAR, "far"):
        found = identity(own=[ONE]).projects_named([text])

        assert [row.id for row in found.projects] == [FAR]


def test_a_name_in_two_domains_is_told_with_the_ids_to_choose_from():
    twice = [*PROJECTS, {"id": "4" * 32, "name": "one", "domain_id": "e"}]

    found = identity(twice).projects_named(["one", "two"])

    assert [row.name for row in found.projects] == ["two"]
    assert ONE in found.missing["one"]
    assert "4" * 32 in found.missing["one"]


def test_a_project_that_is_gone_leaves_the_others():
    found = identity().projects_named(["5" * 32, "nobody", "one"])

    assert [row.name for row in found.projects] == ["one"]
    assert set(found.missing) == {"5" * 32, "nobody"}


def test_domains_are_no_projects_and_untagged_ones_of_an_old_keystone_are_left_out():
    class IgnoresFilters(FakeIdentity):
        def answer(self, scope, path, params):
            return super().answer(scope, path, {})

    rows = [*PROJECTS, {"id": "d", "name": "domain", "is_domain": True, "tags": ["caso"]}]
    keystone = fake_sources(identity=IgnoresFilters(rows)).identity

    assert [row.name for row in keystone.projects_with_tag("caso").projects] == ["one", "far"]


def test_names_of_all_users_cost_one_request_and_a_vanished_one_costs_none():
    keystone = identity(users={"a": "Ada", "b": "Bob"}, configured=Scope.SYSTEM)
    users = Users(keystone)

    assert [users.name(user_id) for user_id in ("a", "b", "gone", "gone", None)] == ["Ada", "Bob", None, None, None]
    assert requests_of(keystone) == [(Scope.SYSTEM, "/users")]


def test_a_cut_list_of_users_is_made_up_for_by_a_bounded_number_of_single_requests():
    keystone = identity(users={"a": "Ada", "b": "Bob", "c": "Cyd"}, truncate_users=True)
    users = Users(keystone, max_lookups=1)

    assert [users.name(user_id) for user_id in ("a", "b", "b", "c")] == ["Ada", "Bob", "Bob", None]
    assert [path for _, path in requests_of(keystone)] == ["/users", "/users/b"]


def test_after_one_refusal_no_user_is_asked_for_again():
    keystone = identity(users={"a": "Ada"}, lists_for=[], no_role_on=[Scope.SYSTEM])
    users = Users(keystone)

    assert [users.name(user_id) for user_id in ("a", "b", "c")] == [None, None, None]
    assert [path for _, path in requests_of(keystone)] == ["/users", "/users/a"]


def test_a_scope_that_gets_no_token_is_asked_for_once_a_run():
    class Counts(FakeAccess):
        asked = 0

        def api(self, service_type, scope, region=None):
            self.asked += scope is Scope.SYSTEM
            return super().api(service_type, scope, region)

    access = Counts({"identity": FakeIdentity(lists_for=[])}, no_role_on=[Scope.SYSTEM])
    keystone = fake_sources().identity
    keystone._opener = access

    for _ in range(3):
        with pytest.raises(DeniedError):
            keystone.widest(lambda api: api.get("/users", to="list users"))

    assert access.asked == 1


ODD = {"id": "6" * 32, "name": "odd", "tags": ["caso"], "enabled": "perhaps"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [({}, {"6" * 32}), ({"id": None}, {"odd"}), ({"tags": None}, {"6" * 32}), ({"tags": ["other"]}, set())],
    ids=["a field", "its id", "its tags", "not tagged"],
)
def test_a_tagged_project_that_cannot_be_read_costs_no_other(changes, told):
    # An old Keystone does not heed the filter, and lists what does not carry the tag.
    found = identity([*PROJECTS, ODD | changes], lists_for=[], own=None).projects_with_tag("caso")

    assert {row.name for row in found.projects} >= {"one"}
    assert set(found.unreadable) == told


@pytest.mark.parametrize("text", ["6" * 32, "odd"])
@pytest.mark.parametrize("own", [None, [ONE]], ids=["of its own", "searched for"])
def test_a_named_project_that_cannot_be_read_is_told_as_that_and_costs_no_other(text, own):
    found = identity([*PROJECTS, ODD], own=own).projects_named(["one", text])

    assert [row.name for row in found.projects] == ["one"]
    assert "cannot be read: enabled: " in found.unreadable[text]
    assert found.missing == {}
