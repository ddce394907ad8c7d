"""The commands as cron and people call them, in processes of their own, against the real cloud."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cloud import Cloud
from tests.functional.driver import Site
from tests.surroundings import environ


@pytest.fixture
def site(cloud: Cloud, tmp_path: Path) -> Site:
    return Site(tmp_path, cloud, "reader")


def command(name: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    words = [str(Path(sys.executable).with_name(name)), *arguments]
    return subprocess.run(words, env=environ() | more, capture_output=True, text=True, check=False)


def two_projects(site: Site) -> list[str]:
    """By id and by name, and one of them by both: never twice."""
    first, second = site.cloud.truth.project("project-0"), site.cloud.truth.project("project-1")
    return ["--caso_tag=", f"--projects={first.id},{second.name},{second.id}"]


def test_cron_hears_nothing_when_all_is_well_and_the_records_are_in_the_queue(site: Site):
    done = command("caso-extract", f"--config-file={site.conf}", *two_projects(site))

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert site.recipient.drain(site.queue) > 0
    assert site.recipient.refused == []
    groups = {row["LocalGroupId"] for row in site.recipient.rows["cloud"].values()}
    assert groups == {site.cloud.truth.project(name).id for name in ("project-0", "project-1")}


def test_the_spool_the_store_and_the_queue_keep_other_users_out(site: Site):
    command("caso-extract", f"--config-file={site.conf}", *two_projects(site))

    files = [site.folder / "spool", *(site.folder / "spool").rglob("*"), site.queue, *site.queue.rglob("*")]
    assert len(files) > 5
    assert [path for path in files if path.stat().st_mode & stat.S_IRWXO] == []


def test_a_project_without_a_vo_is_reported_with_exit_status_1(site: Site):
    done = command("caso-extract", f"--config-file={site.conf}")

    assert done.returncode == 1
    assert "without-vo" in done.stderr
    assert "VO" in done.stderr
    assert site.recipient.drain(site.queue) > 0


@pytest.mark.parametrize("spelling", ["--dry-run", "--dry_run"])
def test_a_dry_run_shows_what_would_be_sent_and_changes_nothing(site: Site, spelling: str):
    before = sorted(site.folder.rglob("*"))

    done = command("caso-extract", f"--config-file={site.conf}", spelling, *two_projects(site))

    assert done.returncode == 0
    assert "project-0" in done.stdout
    assert "vo0.example.org" in done.stdout
    assert "accelerator" in done.stdout
    assert sorted(site.folder.rglob("*")) == before


@pytest.mark.parametrize("spelling", ["--extract-from", "--extract_from"])
def test_none_means_from_the_beginning(site: Site, spelling: str):
    done = command("caso-extract", f"--config-file={site.conf}", spelling, "None", *two_projects(site))

    assert done.returncode == 0
    site.recipient.drain(site.queue)
    groups = {site.cloud.truth.project(name).id for name in ("project-0", "project-1")}
    created = min(server.created for server in site.cloud.truth.servers if server.project_id in groups and server.launched_at)
    assert min((year, month) for _, month, year in site.recipient.rows["cloud"]) == (created.year, created.month)


def test_a_cloud_of_clouds_yaml_takes_the_place_of_the_configured_credentials(site: Site):
    clouds = site.folder / "clouds.yaml"
    site.cloud.write_clouds_yaml(clouds)
    bare = site.folder / "bare.conf"
    bare.write_text("[DEFAULT]\nsite_name = TEST-SITE\n")

    done = command(
        "caso-extract",
        f"--config-file={bare}",
        f"--spooldir={site.folder}/spool",
        "--os-cloud=reader",
        "--summary",
        *two_projects(site),
        OS_CLIENT_CONFIG_FILE=str(clouds),
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "project-1" in done.stdout


def test_a_cloud_is_the_same_one_however_it_was_named(site: Site):
    clouds = site.folder / "clouds.yaml"
    site.cloud.write_clouds_yaml(clouds)
    bare = site.folder / "bare.conf"
    bare.write_text(f"[DEFAULT]\nsite_name = TEST-SITE\nspooldir = {site.folder}/spool\n")
    arguments = [f"--config-file={bare}", *two_projects(site)]

    first = command("caso-extract", "--os-cloud=reader", *arguments, OS_CLIENT_CONFIG_FILE=str(clouds))
    again = command("caso-projects", *arguments, OS_CLOUD="reader", OS_CLIENT_CONFIG_FILE=str(clouds))

    assert (first.returncode, again.returncode) == (0, 0)
    assert "never" not in again.stdout


def test_os_variables_are_enough(site: Site):
    bare = site.folder / "bare.conf"
    bare.write_text("[DEFAULT]\nsite_name = TEST-SITE\n")

    done = command("caso-projects", f"--config-file={bare}", f"--spooldir={site.folder}", **site.cloud.environ("reader"))

    assert "project-0" in done.stdout


def test_the_projects_are_shown_with_their_vo_where_it_came_from_and_how_far_they_are(site: Site):
    (site.folder / "voms.json").write_text(json.dumps({"vo.mapped": {"projects": ["without-vo"]}}))
    before = command("caso-projects", f"--config-file={site.conf}")
    command("caso-extract", f"--config-file={site.conf}", *two_projects(site))
    after = command("caso-projects", f"--config-file={site.conf}")

    assert (before.returncode, after.returncode) == (0, 0)
    for text in ("project-0", "vo0.example.org", "accounting:VO", "egi.VO", "egi.eu:VO", "vo.mapped", "never"):
        assert text in before.stdout
    assert "untagged" not in before.stdout
    assert after.stdout.count("never") < before.stdout.count("never")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--messengers=smm"], ["smm", "noop", "ssm"]),
        (["--extractor=nowa"], ["nowa", "nova"]),
        (["--extract-from=someday"], ["extract_from", "someday"]),
        (["--extract_to=2026-13-45"], ["extract_to", "2026-13-45"]),
        (["--extract-from=2026-02-01", "--extract-to=2026-01-01"], ["2026-02-01", "2026-01-01"]),
        (["--extract-to=2099-01-01"], ["2099-01-01", "future"]),
        (["--interface=pubic"], ["pubic", "public", "internal"]),
        (["--site-name="], ["site_name"]),
        (["--config-file=/nowhere/caso.conf"], ["/nowhere/caso.conf"]),
        (["--mapping-file=/nowhere/voms.json"], ["/nowhere/voms.json"]),
    ],
    ids=lambda value: value[0] if value and value[0].startswith("--") else "",
)
def test_a_typo_stops_the_run_before_it_starts_and_names_the_value_and_the_choices(
    site: Site, arguments: list[str], words: list[str]
):
    with site.cloud.calls() as calls:
        done = command("caso-extract", f"--config-file={site.conf}", *arguments)

    assert done.returncode == 2
    assert [word for word in words if word not in done.stderr] == []
    assert "Traceback" not in done.stderr
    assert list(calls) == []
    assert not (site.folder / "spool").exists()


def test_an_unknown_record_type_stops_the_run_before_it_starts(site: Site):
    site.conf.write_text(site.conf.read_text() + "\n[messenger_ssm]\nrecord_types = cloud, clowd\n")

    done = command("caso-extract", f"--config-file={site.conf}")

    assert done.returncode == 2
    assert "clowd" in done.stderr
    assert "accelerator" in done.stderr


def test_a_secret_reaches_no_output_not_even_with_debug(site: Site):
    done = command("caso-extract", f"--config-file={site.conf}", "--debug", *two_projects(site))

    assert done.returncode == 0
    assert "DEBUG" in done.stderr
    assert site.cloud.reader.password not in done.stdout + done.stderr
    assert "gAAAA" not in done.stderr  # how a Keystone token begins


def test_lastrun_files_of_caso_are_taken_over(site: Site):
    spool = site.folder / "spool"
    spool.mkdir()
    project = site.cloud.truth.project("project-0")
    (spool / "lastrun.project-0").write_text("2026-10-12 10:00:00.123456+00:00")
    (spool / f"lastrun.{site.cloud.truth.project('project-1').id}").write_text("2026-10-12T11:30:00")

    done = command("caso-extract", f"--config-file={site.conf}", "--summary", *two_projects(site))

    assert done.returncode == 0
    assert "2026-10-12 10:00" in done.stdout
    assert "2026-10-12 11:30" in done.stdout
    assert project.name in done.stdout


def test_a_tag_that_nobody_has_is_an_error_and_retires_nobody(site: Site):
    command("caso-extract", f"--config-file={site.conf}")
    site.conf.write_text(site.conf.read_text().replace("[DEFAULT]", "[DEFAULT]\ncaso_tag = cazo"))

    done = command("caso-extract", f"--config-file={site.conf}")

    assert done.returncode == 1
    assert "no project is accounted for" in done.stderr
    assert "cazo" in done.stderr
    assert "no longer" not in done.stderr


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("password = ", "pasword = ", ["no token", "password", "did you mean password?"]),
        ("auth_url = http://", "auth_url = ", ["auth_url", "https://"]),
        ("auth_url = http://", "auth_url = https://", ["TLS"]),
        ("password = ", "password = wrong-", ["no token", "401"]),
        ("[DEFAULT]", "[DEFAULT]\nregion_name = RegionTwo", ["region_name", "RegionTwo", "RegionOne"]),
    ],
    ids=["no password", "no scheme", "no TLS there", "wrong password", "wrong region"],
)
def test_wrong_credentials_are_one_sentence_without_a_traceback(site: Site, before: str, after: str, words: list[str]):
    site.conf.write_text(site.conf.read_text().replace(before, after, 1))

    done = command("caso-extract", f"--config-file={site.conf}")

    assert done.returncode in (1, 2)
    assert [word for word in words if word not in done.stderr] == []
    assert "Traceback" not in done.stderr
    assert site.cloud.reader.password not in done.stderr
