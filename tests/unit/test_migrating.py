"""caso-mapping-migrate: what is planned, what is done, what is left alone."""

import pytest

from caso import config
from caso.errors import ConfigError, SourceError
from caso.migrating import State, carry_out, plan_properties, plan_tags, property_to_write
from caso.options import COMMAND_OPTIONS
from caso.projects import VO_PROPERTIES, VoMapping, find_projects
from caso.sources import Scope
from caso.testing.sources import FakeIdentity, fake_sources
from tests.unit.doc.pages import SOURCE

ONE, TWO, THREE = "1" * 32, "2" * 32, "3" * 32
ROWS = [
    {"id": ONE, "name": "one", "tags": ["caso"]},
    {"id": TWO, "name": "two", "tags": [], "egi.VO": "other.vo"},
    {"id": THREE, "name": "three", "tags": [], "VO": "ops"},
]
MAPPING = VoMapping(vo_of={ONE: "ops", "two": "ops", "three": "ops", "gone": "ops"})


@pytest.fixture
def fake():
    return FakeIdentity(ROWS)


@pytest.fixture
def identity(fake):
    return fake_sources(identity=fake).identity


def states(changes):
    return {change.project: change.state for change in changes}


def test_a_vo_is_due_there_in_conflict_or_its_project_is_missing(identity):
    planned = plan_properties(identity, MAPPING, VO_PROPERTIES)

    assert states(planned) == {"one": State.DUE, "two": State.CONFLICT, "three": State.THERE, "gone": State.MISSING}
    assert {change.key for change in planned} == {"accounting:VO"}
    assert (
        next(change.why for change in planned if change.project == "two") == "property egi.VO says other.vo; --force replaces it"
    )


def test_planning_changes_nothing(identity, fake):
    plan_properties(identity, MAPPING, VO_PROPERTIES)
    plan_tags(identity, ["two"], "caso")

    assert fake.projects == ROWS


def test_what_is_done_is_there_the_next_time_and_is_what_the_projects_have(identity):
    done = list(carry_out(identity, plan_properties(identity, MAPPING, VO_PROPERTIES)))
    again = plan_properties(identity, MAPPING, VO_PROPERTIES)

    assert (states(done)["one"], states(again)["one"]) == (State.DONE, State.THERE)
    (project,) = find_projects(identity, wanted=["one"], tag=None).found
    assert (project.vo, project.vo_source) == ("ops", "property accounting:VO")


def test_another_vo_is_replaced_by_force_only_and_then_counts(identity):
    left = list(carry_out(identity, plan_properties(identity, MAPPING, VO_PROPERTIES)))
    forced = list(carry_out(identity, plan_properties(identity, MAPPING, VO_PROPERTIES, force=True)))

    assert (states(left)["two"], states(forced)["two"]) == (State.CONFLICT, State.DONE)
    assert find_projects(identity, wanted=["two"], tag=None).found[0].vo == "ops"


def test_a_property_that_is_called_tag_is_no_tag(identity, fake):
    list(carry_out(identity, plan_properties(identity, VoMapping(vo_of={ONE: "ops"}), ["tag"])))

    assert (fake.projects[0]["tag"], fake.projects[0]["tags"]) == ("ops", ["caso"])


@pytest.mark.parametrize("held", [["other.vo"], {"name": "other.vo"}, 7, False])
def test_a_property_that_holds_no_text_is_replaced_by_force_only(held):
    fake = FakeIdentity([{"id": ONE, "name": "one", "accounting:VO": held}])
    identity, mapping = fake_sources(identity=fake).identity, VoMapping(vo_of={ONE: "ops"})

    (left,) = plan_properties(identity, mapping, VO_PROPERTIES)
    (forced,) = plan_properties(identity, mapping, VO_PROPERTIES, force=True)

    assert (left.state, forced.state) == (State.CONFLICT, State.DUE)
    assert repr(held) in left.why


def test_the_listed_projects_get_the_tag_once(identity, fake):
    planned = plan_tags(identity, ["one", TWO, "gone"], "caso")
    done = list(carry_out(identity, planned))

    assert states(done) == {"one": State.THERE, "two": State.DONE, "gone": State.MISSING}
    assert [row["tags"] for row in fake.projects] == [["caso"], ["caso"], []]


def test_a_user_that_may_not_change_projects_is_told_for_each():
    identity = fake_sources(identity=FakeIdentity(ROWS, changed_by=())).identity

    done = list(carry_out(identity, plan_properties(identity, MAPPING, VO_PROPERTIES, force=True)))

    assert [change.state for change in done].count(State.FAILED) == 2
    assert all("not authorized" in change.why for change in done if change.state is State.FAILED)


def test_the_system_is_asked_where_the_configured_scope_may_not(fake):
    sources = fake_sources(identity=fake)

    list(carry_out(sources.identity, plan_properties(sources.identity, MAPPING, ["egi.VO"])))

    assert fake.projects[0]["egi.VO"] == "ops"
    assert [scope for _, scope, path in sources._opener.requests if path == f"/projects/{ONE}"][-1] is Scope.SYSTEM


def test_a_keystone_that_does_not_answer_stops_it():
    identity = fake_sources(identity=FakeIdentity(ROWS), fail_on_request=1).identity

    with pytest.raises(SourceError):
        plan_properties(identity, MAPPING, VO_PROPERTIES)


@pytest.mark.parametrize(("properties", "why"), [(["name"], "Keystone's own"), ([], "empty")])
def test_keystones_own_attributes_are_never_written(properties, why):
    with pytest.raises(ConfigError, match=why):
        property_to_write(properties)


def test_its_own_options_are_in_its_help_and_its_manual_page(capsys):
    page = (SOURCE / "man" / "caso-mapping-migrate.rst").read_text(encoding="utf-8")

    with pytest.raises(SystemExit):
        config.build(["--help"], "caso-mapping-migrate", files=[])
    shown = capsys.readouterr().out

    own = [option.name for option in COMMAND_OPTIONS["caso-mapping-migrate"]]
    assert own
    assert [name for name in own if f"--{name}" not in shown or f".. option:: --{name}" not in page] == []
    assert "to the projects in Keystone" in " ".join(shown.split())
