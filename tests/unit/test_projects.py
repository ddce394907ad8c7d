"""Which projects are accounted for, and for which VO."""

import json

import pytest

from caso.errors import ConfigError
from caso.projects import VO_PROPERTIES, Project, VoMapping, find_projects, with_vo
from caso.sources import ProjectRow
from caso.testing.sources import FakeIdentity, fake_sources


def row(name="p", **properties):
    return ProjectRow.model_validate({"id": f"id-{name}", "name": name, **properties})


def mapping(tmp_path, content):
    path = tmp_path / "voms.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return VoMapping.read(path)


@pytest.mark.parametrize("name", VO_PROPERTIES)
def test_any_of_the_usual_properties_names_the_vo(name):
    assert with_vo(row(**{name: "ops"}), VO_PROPERTIES, VoMapping()) == Project("id-p", "p", "ops", f"property {name}")


def test_the_first_of_the_properties_that_a_project_has_decides():
    project = with_vo(row(VO="old", mine="new"), ("other", "mine", "VO"), VoMapping())

    assert (project.vo, project.vo_source) == ("new", "property mine")


def test_an_empty_property_does_not_hide_the_next_one():
    assert with_vo(row(**{"accounting:VO": " ", "egi.VO": "ops"}), VO_PROPERTIES, VoMapping()).vo == "ops"


@pytest.mark.parametrize(
    "content",
    [
        {"ops": {"projects": ["id-p"]}},
        {"ops": {"projects": ["p"]}},
        {"ops": {"tenants": ["x", "p"]}},
        {"ops": {"tenant": "p"}},
        {"ops": {"tenant": ["p"], "projects": []}},
    ],
)
def test_the_mapping_file_is_read_in_all_its_forms_by_id_or_name(tmp_path, content):
    found = with_vo(row(), VO_PROPERTIES, mapping(tmp_path, content))

    assert (found.vo, found.vo_source) == ("ops", str(tmp_path / "voms.json"))


def test_a_property_comes_before_the_mapping_file(tmp_path):
    assert with_vo(row(VO="keystone"), VO_PROPERTIES, mapping(tmp_path, {"file": {"projects": ["p"]}})).vo == "keystone"


def test_a_project_without_a_vo_is_kept_without_one():
    assert with_vo(row(), VO_PROPERTIES, VoMapping()) == Project("id-p", "p", None, None)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{\n"ops": {"projects": ["p"]},\n}', "line [23]: this is no JSON"),
        ('["ops"]', "line 1: it has to be an object"),
        ('{\n\n"a": {"projects": []},\n"ops": {"projects": [1]}}', "line 4: ops needs"),
        ('{\n"ops": "p"}', "line 2: ops needs"),
    ],
)
def test_a_broken_mapping_file_is_told_with_its_line(tmp_path, content, complaint):
    with pytest.raises(ConfigError, match=f"voms.json, {complaint}"):
        mapping(tmp_path, content)


def test_a_mapping_file_may_begin_with_a_byte_order_mark_and_has_to_be_utf_8(tmp_path):
    file = tmp_path / "voms.json"
    file.write_text('{"ops": {"projects": ["p"]}}', encoding="utf-8-sig")
    assert VoMapping.read(file).vo_of == {"p": "ops"}

    file.write_text('{"Universit\u00e9": {"projects": ["p"]}}', encoding="latin-1")
    with pytest.raises(ConfigError, match=r"voms\.json: .*; save it as a text file in UTF-8"):
        VoMapping.read(file)


def test_a_missing_mapping_file_is_fine_unless_it_was_named(tmp_path):
    assert VoMapping.read(tmp_path / "none.json").vo_of == {}
    with pytest.raises(ConfigError, match=r"none\.json is not there"):
        VoMapping.read(tmp_path / "none.json", required=True)


def test_the_last_vo_of_a_project_counts_and_the_others_are_told(tmp_path, caplog):
    found = mapping(tmp_path, {"a": {"projects": ["p"]}, "b": {"projects": ["p"]}})

    assert found.vo_of == {"p": "b"}
    assert "given to a and b" in caplog.text


def test_named_and_tagged_projects_are_found_each_once():
    rows = [
        {"id": "1" * 32, "name": "one", "tags": ["caso"], "VO": "ops"},
        {"id": "2" * 32, "name": "two", "tags": []},
        {"id": "3" * 32, "name": "three", "tags": ["caso"]},
    ]
    identity = fake_sources(identity=FakeIdentity(rows)).identity

    projects = find_projects(identity, wanted=["two", "one", "1" * 32, "gone"])

    assert [(project.name, project.vo) for project in projects.found] == [("two", None), ("one", "ops"), ("three", None)]
    assert list(projects.missing) == ["gone"]


def test_without_a_tag_only_named_projects_count():
    identity = fake_sources(identity=FakeIdentity([{"id": "1", "name": "one", "tags": ["caso"]}])).identity

    assert find_projects(identity, tag=None).found == ()


def test_a_project_that_cannot_be_read_is_missing_and_not_gone():
    odd = {"id": "odd", "name": None, "tags": ["caso"]}
    well = {"id": "well", "name": "well", "tags": ["caso"], "VO": "ops"}

    found = find_projects(fake_sources(identity=FakeIdentity([odd, well])).identity)

    assert [project.id for project in found.found] == ["well"]
    assert found.missing == {
        "odd": "keystone: project odd cannot be read: name: Input should be a valid string; correct it, or take the tag from it"
    }
    assert not found.whole
