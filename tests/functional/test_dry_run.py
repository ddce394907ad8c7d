"""What caso-extract --dry-run prints, against the real cloud."""

import json
from pathlib import Path

import pytest

from tests.cloud import Cloud
from tests.functional.driver import Site
from tests.functional.test_commands import command, two_projects


@pytest.fixture
def site(cloud: Cloud, tmp_path: Path) -> Site:
    return Site(tmp_path, cloud, "reader")


def dry_run(site: Site, *arguments: str):
    return command("caso-extract", f"--config-file={site.conf}", "--dry-run", *two_projects(site), *arguments)


def test_a_first_dry_run_is_all_new_and_summed_up_and_as_json_each_record_is_told(site: Site):
    shown, told = dry_run(site), dry_run(site, "--json")

    assert (shown.returncode, told.returncode) == (0, 0)
    rows = json.loads(told.stdout)
    assert {row["what"] for row in rows} == {"new"}
    assert f"ssm: all {len(rows)} are new to it" in shown.stdout
    assert not any(row["key"] in shown.stdout for row in rows)


def test_after_a_run_a_dry_run_tells_of_nothing_but_the_time_that_went_on(site: Site):
    assert command("caso-extract", f"--config-file={site.conf}", *two_projects(site)).returncode == 0

    rows = json.loads(dry_run(site, "--json").stdout)

    assert {row["what"] for row in rows} <= {"longer"}
    for row in rows:
        assert set(row["fields"]) <= {"measured_at", "wall_seconds", "cpu_seconds", "suspend_seconds", "available_seconds"}


def test_no_more_records_are_listed_than_asked_for(site: Site):
    rows = json.loads(dry_run(site, "--json").stdout)

    lines = dry_run(site, "--limit", "2").stdout.splitlines()

    assert len([line for line in lines if line.startswith("new ")]) == 2
    assert f"{len(rows) - 2} more; --limit 0 lists all, --json too" in lines


@pytest.mark.parametrize("option", ["--json", "--limit=1"])
def test_what_is_about_a_dry_run_is_refused_without_one(site: Site, option: str):
    done = command("caso-extract", f"--config-file={site.conf}", option)

    assert (done.returncode, done.stdout) == (2, "")
    assert "--dry-run" in done.stderr


def test_the_projects_are_told_with_how_long_nova_can_be_relied_on(site: Site):
    assert command("caso-extract", f"--config-file={site.conf}", *two_projects(site)).returncode == 0

    done = command("caso-projects", f"--config-file={site.conf}", "--json", *two_projects(site))

    marks = {mark["extractor"]: mark for row in json.loads(done.stdout) for mark in row["extracted"]}
    assert (marks["nova"]["lag"], marks["cinder"]["reliable_until"]) == (None, None)
    assert marks["nova"]["reliable_until"] > marks["nova"]["until"]
