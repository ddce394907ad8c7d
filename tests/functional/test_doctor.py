"""caso-doctor against the real cloud: each misconfiguration below is seeded for real and found, and nothing on a healthy site."""

import dataclasses
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from caso import config
from caso.doctor import Observed, examine
from caso.extractors.base import OddObject
from caso.findings import Level
from caso.store import Place, open_store
from caso.wiring import examination
from tests.cloud import T1, Cloud, Fault
from tests.functional.driver import Site
from tests.functional.examples import check_example
from tests.functional.test_commands import command
from tests.unit.messengers.receivers import Receiver

ONE = ("--caso-tag=", "--projects=project-0", "--extractor=nova,cinder")
"""One project only, where the others would only cost time."""
LATER = T1 + timedelta(days=40)
HOURS = 3600


@dataclasses.dataclass(frozen=True)
class Seeded:
    """A misconfiguration: how it is made, and by which check, level and words it is found, with words of what to do."""

    name: str
    make: Callable[[Site], object]
    level: Level
    check: str
    what: str
    do: str

    def of(self, observed: Sequence[Observed]) -> list[Observed]:
        return [
            one for one in observed if self.what in one.finding.what and (one.room, one.finding.level) == (self.check, self.level)
        ]


def error(name, make, check, what, do):  # type: ignore[no-untyped-def]
    return Seeded(name, make, Level.ERROR, check, what, do)


def warning(name, make, check, what, do):  # type: ignore[no-untyped-def]
    return Seeded(name, make, Level.WARNING, check, what, do)


def noted(name, make, check, what, do):  # type: ignore[no-untyped-def]
    return Seeded(name, make, Level.NOTE, check, what, do)


# How sites are made ill: what each returns is called with the site.


def setting(group: str, *lines: str) -> Callable[[Site], object]:
    """These lines in a group, in place of those that set the same options."""

    def make(site: Site) -> None:
        names = {line.partition("=")[0].strip() for line in lines}
        kept, inside = [], False
        for line in site.conf.read_text().splitlines():
            inside = line == f"[{group}]" if line.startswith("[") else inside
            if not (inside and line.partition("=")[0].strip() in names):
                kept.append(line)
            if line == f"[{group}]":
                kept += lines
        text = "\n".join(kept)
        site.conf.write_text(text if f"[{group}]\n" in text else "\n".join([text, f"[{group}]", *lines]))

    return make


def rows(database: str, statement: str, *values: object) -> Callable[[Site], object]:
    """A change of a service's database."""

    def make(site: Site) -> None:
        with site.cloud.database(database) as connection:
            assert connection.execute(statement, values).rowcount > 0

    return make


def spec(flavor: str, name: str, value: str) -> Callable[[Site], object]:
    """A property of a flavor, added or changed."""

    def make(site: Site) -> None:
        with site.cloud.database("nova_api") as nova:
            (number,) = nova.execute("select id from flavors where name = ?", [flavor]).fetchone()
            if not nova.execute(
                'update flavor_extra_specs set value = ? where flavor_id = ? and "key" = ?', [value, number, name]
            ).rowcount:
                nova.execute(
                    'insert into flavor_extra_specs (id, created_at, flavor_id, "key", value) values (?, ?, ?, ?, ?)',
                    [ADDED + number, "2026-01-01 00:00:00", number, name, value],
                )

    return make


ADDED = 9000


def mode(where: Callable[[Site], Path], bits: int) -> Callable[[Site], object]:
    return lambda site: where(site).chmod(bits)


def spool(site: Site) -> Path:
    return site.folder / "spool"


def store(site: Site) -> Path:
    return spool(site) / "caso.sqlite"


def queue(site: Site) -> Path:
    return site.queue


def put_away(where: Callable[[Site], Path], name: str, content: bytes, age_seconds: float) -> Callable[[Site], object]:
    """A file in a directory, of some age."""

    def make(site: Site) -> None:
        path = where(site) / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o770)
        path.write_bytes(content)
        os.utime(path, times=(time.time() - age_seconds,) * 2)

    return make


def lock(site: Site) -> None:
    """A message that ssmsend has locked two hours ago, and never sent."""
    put_away(queue, "6a000000/6a000000000002", b"x", 2 * HOURS)(site)
    (site.queue / "6a000000/6a000000000002.lck").hardlink_to(site.queue / "6a000000/6a000000000002")


def mapping(vos: dict[str, list[str]]) -> Callable[[Site], object]:
    text = json.dumps({vo: {"projects": projects} for vo, projects in vos.items()})
    return lambda site: (site.folder / "voms.json").write_text(text)


def refuse(site: Site) -> None:
    """Logstash has refused two records."""
    with open_store(f"sqlite:///{store(site)}") as held:
        two = held.ledger.due("logstash", 2)
        held.ledger.set_aside("logstash", [(one, "no such site") for one in two], T1)


def quarantine(site: Site) -> None:
    with open_store(f"sqlite:///{store(site)}") as held:
        odd = OddObject("server", "0ddba11-1", "p", "created: it is no time \x1b[31m")
        held.quarantine(Place("", "RegionOne"), [odd], window_start=T1, at=T1)


def file_in_the_way(site: Site) -> None:
    (site.folder / "file").write_text("in the way")


def both(*makes: Callable[[Site], object]) -> Callable[[Site], object]:
    return lambda site: [make(site) for make in makes]


def at_every_address(site: Site) -> None:
    """auth_url by an address that is not the loopback's, and leads there all the same."""
    site.conf.write_text(site.conf.read_text().replace("//127.0.0.1:", "//0.0.0.0:"))


SET = "update project set enabled = 0 where name = ?"
NO_ROLE = "delete from assignment where target_id = (select id from project where name = ?)"
NO_ENDPOINT = "delete from endpoint where {}"
OF_CINDER = "service_id in (select id from service where type like 'block%' or type like 'volume%')"
NO_SPEC = 'delete from flavor_extra_specs where "key" = ? and flavor_id = (select id from flavors where name = ?)'
STRANGERS = {"other.vo": ["project-0"], "some.vo": ["projekt-1"], "more.vo": ["untagged"]}

TOGETHER = [
    warning(
        "option misspelled", setting("DEFAULT", "site_nam = X"), "configuration", "no option site_nam", "did you mean site_name"
    ),
    warning(
        "group misspelled", setting("keystone-auth", "x = 1"), "configuration", "no group [keystone-auth]", "[keystone_auth]"
    ),
    warning(
        "plug-in not here",
        setting("DEFAULT", "messengers = ssm, logstash, greendigit_cim"),
        "configuration",
        "greendigit_cim is not in this release",
        "take it out",
    ),
    noted(
        "old name",
        setting("DEFAULT", "benchmark_name_key = accounting:benchmark_type"),
        "configuration",
        "benchmark_name_key is a name of an older",
        "write",
    ),
    warning("site's name", setting("DEFAULT", "site_name = Our Site"), "configuration", "site_name is 'Our Site'", "GOCDB"),
    warning(
        "state of Nova",
        setting("accounting", "suspended_states = SUSPENDET"),
        "configuration",
        "no state SUSPENDET",
        "choose from",
    ),
    warning(
        "deadline in minutes", setting("DEFAULT", "deadline = 30"), "configuration", "deadline is 30 seconds", "at least 300"
    ),
    warning("dry run for ever", setting("DEFAULT", "dry_run = true"), "configuration", "dry_run stands in", "take it out"),
    warning("open password", mode(lambda site: site.conf, 0o644), "configuration", "other users may read it", "chmod o="),
    error("no TLS", setting("keystone_auth", "insecure = true"), "credentials", "not verified (insecure)", "set cafile"),
    warning("no TLS to Keystone", at_every_address, "credentials", "over the network as plain text", "https://"),
    error(
        "no such project",
        setting("DEFAULT", "projects = nowhere"),
        "projects",
        "project nowhere: Keystone has none",
        "correct projects",
    ),
    error("disabled project", rows("keystone", SET, "project-1"), "projects", "project project-1 (", "enable it"),
    error("no role", rows("keystone", NO_ROLE, "project-2"), "projects", "no token for", "has a role"),
    error("no VO", mapping(STRANGERS), "VOs", "project without-vo (", "openstack project set --property"),
    warning("two VOs", mapping(STRANGERS), "VOs", "gives project project-0 to other.vo", "take the project out"),
    warning(
        "mapped in vain",
        mapping(STRANGERS),
        "VOs",
        "do not exist, or that this user is not shown: projekt-1",
        "correct the names",
    ),
    warning("mapped alone", mapping(STRANGERS), "VOs", "not accounted for: untagged", "caso_tag"),
    warning(
        "benchmark without value",
        rows("nova_api", NO_SPEC, "accounting:benchmark_value", "bench.large"),
        "flavors",
        "bench.large has no property accounting:benchmark_value",
        "openstack flavor set",
    ),
    warning("benchmark in words", spec("gpu.a100", "accounting:benchmark_value", "fast"), "flavors", "is 'fast'", "flavor set"),
    warning("accelerators in words", spec("gpu.a100", "Accelerator:Number", "two"), "flavors", "is 'two'", "flavor set"),
    warning(
        "type is missing",
        spec("m1.small", "Accelerator:Number", "2"),
        "flavors",
        "m1.small has no property Accelerator:Type",
        "flavor",
    ),
    warning(
        "model is missing",
        spec("m1.large", "Accelerator:Type", "GPU"),
        "flavors",
        "m1.large has no property Accelerator:Model",
        "flavor",
    ),
    warning(
        "short pages",
        lambda site: site.cloud.faults.add(Fault("nova", path="/servers", limit=20)),
        "services",
        "nova gives pages of 20",
        "max_limit",
    ),
    warning("clock", lambda site: site.cloud.faults.add(Fault("cinder", ahead=90)), "clocks", "clock of cinder is", "chrony"),
    error(
        "clock far off", lambda site: site.cloud.faults.add(Fault("neutron", ahead=-900)), "clocks", "of neutron is 9", "chrony"
    ),
    warning("open spool", mode(spool, 0o755), "spool", "spool is open to other users", "chmod o="),
    warning("open store", mode(store, 0o644), "spool", "caso.sqlite is open to other users", "chmod o="),
    warning("open queue", mode(queue, 0o777), "ssm", "queue is open to other users", "chmod o="),
    warning(
        "no ssmsend", put_away(queue, "6a000000/6a000000000001", b"x", 50 * HOURS), "ssm", "oldest for 50 hours", "ssmsend runs"
    ),
    warning("ssmsend killed", lock, "ssm", "1 messages in", "takes old locks away"),
    noted("foreign file", put_away(queue, "notes.txt", b"x", 0), "ssm", "notes.txt", "move them"),
    error("Logstash down", lambda site: None, "logstash", "cannot connect to 127.0.0.1:", "start the receiver"),
    warning("records due", lambda site: None, "lag", " records are due", "caso-ledger list"),
    warning("records refused", refuse, "lag", "logstash: 2 records are set aside", "caso-ledger rejected"),
    warning("quarantine", quarantine, "lag", "server 0ddba11-1 is in quarantine", "each run tries again"),
    error("long lag", lambda site: None, "lag", "nova in RegionOne: extracted until 2026-10-12", "caso-reconcile"),
    warning("lag", lambda site: None, "lag", "cinder in RegionOne: extracted until 2026-10-12", "cron"),
]
"""All on one site at once: none of these keeps the others from being found."""

OFFLINE = setting("keystone_auth", "auth_url =", "auth_type =")
"""No credentials: for what is found without asking anybody."""

ALONE = [
    error("no credentials", OFFLINE, "credentials", "no credentials: name a cloud", "keystone_auth"),
    error(
        "no such login",
        setting("keystone_auth", "auth_type = pasword"),
        "credentials",
        "no plug-in is called 'pasword'",
        "there are",
    ),
    error(
        "wrong password", setting("keystone_auth", "password = x"), "token", "no token for the configured scope", "check the cred"
    ),
    error(
        "no Keystone",
        setting("keystone_auth", "auth_url = http://127.0.0.1:9/v3"),
        "token",
        "cannot get a token",
        "can be reached",
    ),
    error(
        "tag without projects",
        setting("DEFAULT", "caso_tag = cas0", "projects ="),
        "projects",
        "the tag 'cas0'",
        "correct caso_tag",
    ),
    error(
        "interface",
        both(setting("DEFAULT", "interface = internal"), rows("keystone", NO_ENDPOINT.format("interface = 'internal'"))),
        "catalog",
        "no internal endpoint of",
        "check interface",
    ),
    error("region", setting("DEFAULT", "region_name = RegionOn"), "catalog", "none of these services in RegionOn", "RegionOne"),
    warning(
        "no Cinder", rows("keystone", NO_ENDPOINT.format(OF_CINDER)), "catalog", "endpoint of block-storage", "take cinder out"
    ),
    error(
        "old Nova",
        rows("keystone", "update endpoint set url = replace(url, '/v2.1', '/v2')"),
        "services",
        "this cloud is too old",
        "point to /v2.1",
    ),
    error(
        "Nova down",
        lambda site: site.cloud.faults.add(Fault("nova", status=500)),
        "services",
        "nova: cannot",
        "log of the service",
    ),
    warning(
        "no role on the system",
        both(
            setting("keystone_auth", "system_scope =", "project_name = project-0", "project_domain_name = Default"),
            rows("keystone", "delete from system_assignment"),
        ),
        "roles",
        "may not list users",
        "--system all reader",
    ),
    error("no site's name", both(OFFLINE, setting("DEFAULT", "site_name =")), "configuration", "site_name is not set", "GOCDB"),
    warning(
        "nobody gets them",
        both(OFFLINE, setting("DEFAULT", "messengers = noop")),
        "configuration",
        "the only messenger is noop",
        "ssm",
    ),
    error(
        "record type",
        both(OFFLINE, setting("messenger_ssm", "record_types = clowd")),
        "ssm",
        "clowd is no record type",
        "choose from",
    ),
    error(
        "spool in the way",
        both(OFFLINE, file_in_the_way, lambda site: setting("DEFAULT", f"spooldir = {site.folder}/file/spool")(site)),
        "spool",
        "file is no directory",
        "correct",
    ),
    error(
        "queue in the way",
        both(OFFLINE, file_in_the_way, lambda site: setting("ssm", f"output_path = {site.folder}/file/queue")(site)),
        "ssm",
        "file is no directory",
        "correct output_path",
    ),
    error("noise", both(OFFLINE, put_away(spool, "caso.sqlite", os.urandom(9000), 0)), "store", "not a database", "restore it"),
    error("empty store", both(OFFLINE, put_away(spool, "caso.sqlite", b"", 0)), "store", "the file is empty", "backup"),
]
"""Each on a site of its own, as it keeps something else from being looked at."""


@pytest.fixture(scope="module")
def calm_cloud(running_cloud: Cloud) -> Iterator[Cloud]:
    running_cloud.reset()
    yield running_cloud
    running_cloud.reset()


def healthy(folder: Path, cloud: Cloud, role: str = "reader") -> Site:
    """A site on which nothing is wrong: its projects have VOs, its password is its own."""
    folder.mkdir(exist_ok=True)
    site = Site(folder, cloud, role)
    site.conf.chmod(0o600)
    mapping({"mapped.example.org": ["without-vo"]})(site)
    return site


def examined(site: Site, *arguments: str, now: datetime = T1) -> list[Observed]:
    conf = config.build([f"--config-file={site.conf}", *arguments], "caso-doctor", files=[])
    return list(examine(examination.patient(conf, now)))


def told(observed: Sequence[Observed]) -> list[str]:
    """All that is not well."""
    return [f"{one.room}: {one.finding}" for one in observed if one.finding.level is not Level.OK]


def clean_up(cloud: Cloud) -> None:
    cloud.reset()
    with cloud.database("nova_api") as nova:
        nova.execute("delete from flavor_extra_specs where id >= ?", [ADDED])


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
