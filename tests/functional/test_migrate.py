"""caso-mapping-migrate against the real Keystone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cloud import Cloud
from tests.functional.driver import Site
from tests.functional.test_commands import command

REALLY = "--no-dry-run"


@pytest.fixture
def site(cloud: Cloud, tmp_path: Path) -> Site:
    """A site whose administrator has a mapping file, and whose project-1 lost its tag."""
    with cloud.database("keystone") as keystone:
        keystone.execute("DELETE FROM project_tag WHERE project_id = ?", (cloud.truth.project("project-1").id,))
    site = Site(tmp_path, cloud, "admin")
    site.conf.write_text(site.conf.read_text().replace("project_id = ", "#"))
    mapping = {
        "mapped.example.org": {"projects": ["without-vo"]},
        "vo0.example.org": {"projects": [cloud.truth.project("project-0").id]},
    }
    write(site, mapping)
    return site


def write(site: Site, mapping: dict[str, dict[str, list[str]]]) -> None:
    (site.folder / "voms.json").write_text(json.dumps(mapping))


def migrate(site: Site, *arguments: str) -> tuple[int, str, str]:
    done = command("caso-mapping-migrate", f"--config-file={site.conf}", *arguments)
    return done.returncode, done.stdout, done.stderr


def shown(site: Site) -> dict[str, list[str]]:
    """What caso-projects prints of each project, by its name."""
    done = command("caso-projects", f"--config-file={site.conf}")
    rows = [[cell for cell in line.split("  ") if cell.strip()] for line in done.stdout.splitlines()]
    return {row[1].strip(): [cell.strip() for cell in row] for row in rows if len(row) > 4}


def test_it_only_shows_what_it_would_do_unless_told_otherwise(site: Site):
    with site.cloud.calls() as calls:
        status, output, errors = migrate(site)

    assert status == 0
    assert "would be set" in output
    assert "is there already" in output
    assert "--no-dry-run" in errors
    assert {call.method for call in calls} <= {"GET", "POST"}
    assert shown(site)["without-vo"][2] == "mapped.example.org"
    assert "property" not in shown(site)["without-vo"][3]


def test_a_dry_run_that_a_file_turns_off_is_still_one(site: Site):
    site.conf.write_text(site.conf.read_text().replace("[DEFAULT]", "[DEFAULT]\ndry_run = false", 1))

    assert "would be set" in migrate(site)[1]


@pytest.mark.parametrize("spelling", ["--no-dry-run", "--nodry-run", "--nodry_run"])
def test_the_vos_are_then_properties_and_a_second_time_there_is_nothing_to_do(site: Site, spelling: str):
    first = migrate(site, spelling)
    again = migrate(site, spelling)
    (site.folder / "voms.json").unlink()
    site.conf.write_text(site.conf.read_text().replace("mapping_file", "#"))

    assert first[0] == again[0] == 0
    assert again[1].count("is there already") == 2
    assert shown(site)["without-vo"][2:4] == ["mapped.example.org", "property accounting:VO"]


def test_the_listed_projects_get_the_tag(site: Site):
    arguments = ["--projects=project-1,project-0", "--migrate-projects", REALLY]

    assert "project-1" not in shown(site)
    first, again = migrate(site, *arguments), migrate(site, *arguments)

    assert first[0] == again[0] == 0
    assert again[1].count("is there already") == 4
    assert "project-1" in shown(site)


def test_a_vo_that_is_there_is_left_alone_but_for_force(site: Site):
    write(site, {"new.example.org": {"projects": ["project-1", "nobody"]}})
    site.conf.write_text(site.conf.read_text().replace("caso_tag", "#"))
    before = site.cloud.truth.project("project-1").vo

    left = migrate(site, REALLY)
    forced = migrate(site, REALLY, "--force")

    assert left[0] == 1
    assert "left alone" in left[1]
    assert f"says {before}" in left[1]
    assert "not found" in left[1]
    assert forced[0] == 1  # nobody is still not there
    assert f"in place of {before}" in forced[1]


def test_a_user_that_may_not_change_projects_is_told(site: Site):
    site.conf.write_text(site.conf.read_text().replace(site.cloud.admin.username, site.cloud.reader.username))

    status, output, errors = migrate(site, REALLY)

    assert status == 1
    assert "failed" in output
    assert "403" in output
    assert "reader" not in output.split("403")[1]
    assert "Traceback" not in errors


def test_a_mapping_file_that_is_not_there_starts_nothing(site: Site):
    status, _, errors = migrate(site, "--mapping-file=/nowhere/voms.json")

    assert status == 2
    assert "/nowhere/voms.json" in errors
