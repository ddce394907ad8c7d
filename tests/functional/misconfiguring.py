"""How a site is misconfigured for real: its files, its directories, and the databases of its cloud."""

import dataclasses
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from caso.doctor import Observed
from caso.extractors.base import OddObject
from caso.findings import Level
from caso.store import Place, open_store
from tests.cloud import T1, Cloud
from tests.functional.driver import Site

HOURS = 3600


def healthy(folder: Path, cloud: Cloud, role: str = "reader") -> Site:
    """A site on which nothing is wrong: its projects have VOs, its password is its own."""
    folder.mkdir(exist_ok=True)
    site = Site(folder, cloud, role)
    site.conf.chmod(0o600)
    mapping({"mapped.example.org": ["without-vo"]})(site)
    return site


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


def clean_up(cloud: Cloud) -> None:
    cloud.reset()
    with cloud.database("nova_api") as nova:
        nova.execute("delete from flavor_extra_specs where id >= ?", [ADDED])
