"""caso-doctor against the real cloud: each misconfiguration is seeded for real and found, and nothing on a healthy site."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from caso import config
from caso.doctor import Observed, examine
from caso.findings import Level
from caso.wiring import examination
from tests.cloud import T1, Cloud
from tests.functional.driver import Site
from tests.functional.examples import check_example
from tests.functional.misconfigurations import ALONE, TOGETHER
from tests.functional.misconfiguring import Seeded, both, clean_up, healthy, mapping, mode, setting, store
from tests.functional.test_commands import command
from tests.unit.messengers.receivers import Receiver

ONE = ("--caso-tag=", "--projects=project-0", "--extractor=nova,cinder")
"""One project only, where the others would only cost time."""
LATER = T1 + timedelta(days=40)


@pytest.fixture(scope="module")
def calm_cloud(running_cloud: Cloud) -> Iterator[Cloud]:
    running_cloud.reset()
    yield running_cloud
    running_cloud.reset()


def examined(site: Site, *arguments: str, now: datetime = T1) -> list[Observed]:
    conf = config.build([f"--config-file={site.conf}", *arguments], "caso-doctor", files=[])
    return list(examine(examination.patient(conf, now)))


def told(observed: Sequence[Observed]) -> list[str]:
    """All that is not well."""
    return [f"{one.room}: {one.finding}" for one in observed if one.finding.level is not Level.OK]


@pytest.fixture(scope="module")
def ill(calm_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[Observed], list[Observed]]]:
    """What is found on a site that has run once, before and after all of TOGETHER is done to it."""
    site = healthy(tmp_path_factory.mktemp("ill"), calm_cloud)
    mapping({})(site)
    with Receiver() as receiver:
        setting("DEFAULT", "messengers = ssm, logstash")(site)
        setting("logstash", "host = 127.0.0.1", f"port = {receiver.port}", "timeout = 5")(site)
        well = examined(site, *ONE)
    site.run(T1, *ONE)
    try:
        for seeded in TOGETHER:
            seeded.make(site)
        yield well, examined(site, now=LATER)
    finally:
        clean_up(calm_cloud)


@pytest.mark.parametrize("seeded", TOGETHER, ids=lambda seeded: seeded.name)
def test_each_misconfiguration_of_an_ill_site_is_found_and_it_is_said_what_to_do(
    seeded: Seeded, ill: tuple[list[Observed], list[Observed]]
):
    before, after = ill

    (found,) = seeded.of(after) or told(after)

    assert seeded.do in found.finding.do
    assert found.finding.why
    assert seeded.of(before) == []


def test_nothing_is_found_on_an_ill_site_but_what_was_done_to_it(ill: tuple[list[Observed], list[Observed]]):
    before, after = ill

    known = [one for seeded in TOGETHER for one in seeded.of(after)]

    assert told([one for one in before if one.finding.wrong]) == []
    assert told([one for one in after if one.finding.wrong and one not in known]) == []


@pytest.mark.parametrize("seeded", ALONE, ids=lambda seeded: seeded.name)
def test_each_misconfiguration_that_keeps_the_examination_from_something_is_found(
    seeded: Seeded, calm_cloud: Cloud, tmp_path: Path
):
    site = healthy(tmp_path, calm_cloud)
    seeded.make(site)
    try:
        few = () if "tag" in seeded.name else ONE
        observed = examined(site, *few)
    finally:
        clean_up(calm_cloud)

    (found,) = seeded.of(observed) or told(observed)
    assert seeded.do in found.finding.do
    assert found.finding.why


def test_at_least_twenty_five_misconfigurations_are_seeded():
    names = [seeded.name for seeded in (*TOGETHER, *ALONE)]

    assert len(names) == len(set(names)) >= 25


@pytest.mark.parametrize("role", ["reader", "admin"])
def test_nothing_is_found_on_a_healthy_site_before_its_first_run(role: str, calm_cloud: Cloud, tmp_path: Path):
    site = healthy(tmp_path, calm_cloud, role)
    before = sorted(tmp_path.rglob("*"))

    with calm_cloud.calls() as calls:
        observed = examined(site)

    assert told(observed) == []
    assert sorted(tmp_path.rglob("*")) == before
    assert {call.method for call in calls if not call.path.endswith("/auth/tokens")} == {"GET"}
    assert len(calls) <= 15 + len(calm_cloud.truth.accounted)


@pytest.mark.parametrize("role", ["reader", "admin"])
def test_nothing_is_found_on_a_healthy_site_after_a_run(role: str, calm_cloud: Cloud, tmp_path: Path):
    site = healthy(tmp_path, calm_cloud, role)
    mapping({})(site)
    site.run(T1, *ONE)
    before = store(site).read_bytes()

    observed = examined(site, *ONE, now=T1 + timedelta(hours=1))

    assert told(observed) == []
    assert "ssm: " in " ".join(one.finding.what for one in observed if one.room == "lag")
    assert store(site).read_bytes() == before


def test_the_command_says_all_is_well_with_status_0_and_the_documentation_shows_one_that_is_not(
    calm_cloud: Cloud, tmp_path: Path
):
    site = healthy(tmp_path, calm_cloud)
    mapping({})(site)
    well = command("caso-doctor", f"--config-file={site.conf}", *ONE, "--brief")
    both(setting("DEFAULT", "site_nam = TEST-SITE"), mode(lambda site: site.conf, 0o644))(site)

    ill = command("caso-doctor", f"--config-file={site.conf}", COLUMNS="400")

    assert (well.returncode, well.stderr, well.stdout) == (0, "", "0 errors, 0 warnings, 0 notes\n")
    assert (ill.returncode, ill.stderr) == (1, "")
    check_example("doctor.txt", f"$ caso-doctor\n{as_installed(site, ill.stdout)}")


def as_installed(site: Site, shown: str) -> str:
    """The paths of a site as they are after an installation; how much room there is differs from machine to machine."""
    places = {"caso.conf": "/etc/caso/caso.conf", "spool": "/var/spool/caso", "queue": "/var/spool/apel/outgoing/openstack"}
    for name, path in places.items():
        shown = shown.replace(str(site.folder / name), path)
    return re.sub(r"has \d+ MiB left", "has 42110 MiB left", shown.replace(str(site.folder), "/var/spool"))


def test_scripts_get_every_check_as_json_and_no_secret(calm_cloud: Cloud, tmp_path: Path):
    site = healthy(tmp_path, calm_cloud)
    both(setting("DEFAULT", "site_name = \x1b[31mred"), setting("keystone_auth", "auth_type = pasword"))(site)

    done = command("caso-doctor", f"--config-file={site.conf}", "--json", "--debug")
    shown = command("caso-doctor", f"--config-file={site.conf}")

    found = {one["level"]: one for one in json.loads(done.stdout)}
    assert (done.returncode, shown.returncode) == (1, 1)
    assert set(found["error"]) == {"check", "level", "what", "why", "do"}
    assert found["ok"]["do"] is None
    assert calm_cloud.reader.password not in done.stdout + done.stderr + shown.stdout + shown.stderr
    assert "\x1b" not in done.stdout + shown.stdout


def test_a_configuration_that_cannot_be_read_is_status_2(tmp_path: Path):
    done = command("caso-doctor", f"--config-file={tmp_path}/nowhere.conf")

    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot read" in done.stderr
