"""A cloud whose rows have the shapes of the real APIs, one of them bent, and whole runs of caso on it."""

import copy
import dataclasses
import json
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from caso.accounting.rules import Rules
from caso.delivery import Outlet
from caso.extractors.cinder import CinderExtractor
from caso.extractors.neutron import NeutronExtractor
from caso.extractors.nova import NovaExtractor
from caso.job import Job
from caso.lifecycle.address import Origin
from caso.messengers.ssm import SsmMessenger
from caso.planning import Period
from caso.projects import find_projects
from caso.report import Report
from caso.run import run
from caso.sources import FloatingIpRow, PortRow, ProjectRow, RouterRow, ServerRow, Sources, VolumeRow
from caso.sources.rows import ActionRow, FlavorRow
from caso.store import Place, open_store
from caso.testing.networks import FakeNetwork, a_floating_ip
from caso.testing.recipient import Recipient
from caso.testing.servers import FakeCompute, a_server
from caso.testing.sources import REGION, FakeAccess, FakeIdentity, FakeImage
from caso.testing.volumes import FakeVolume, a_volume
from tests.unit.cloudlet import ticking

BEFORE = datetime(2026, 10, 12, 9, tzinfo=UTC)
NOW = datetime(2026, 10, 12, 11, tzinfo=UTC)
ROWS: Mapping[str, list[Any]] = json.loads((Path(__file__).parents[2] / "golden" / "api-rows.json").read_text())
PROJECT = ROWS["projects"][0]["id"]
OTHER = "f" * 32
"""A project of the same cloud with nothing odd about it."""
LISTS = {"/flavors/detail": "flavors", "/v2/images": "images", "/users": "users"}
MISSING = object()
MODELS: Mapping[str, Any] = {
    "servers": ServerRow,
    "flavors": FlavorRow,
    "instanceActions": ActionRow,
    "volumes": VolumeRow,
    "floatingips": FloatingIpRow,
    "ports": PortRow,
    "routers": RouterRow,
    "projects": ProjectRow,
}
READ = {
    kind: {str(field.alias or name) for name, field in model.model_fields.items()} | {"project_id", "accounting:VO"}
    for kind, model in MODELS.items()
} | {"users": {"id", "name"}, "images": {"id", "vmcatcher_event_ad_mpuri"}}
"""What caso reads of each kind of row: all else is skipped."""


@dataclasses.dataclass(frozen=True)
class Bend:
    """One row of a kind (``servers``), of which what is at ``path`` is ``value``, or MISSING; an empty path is the row itself."""

    kind: str
    number: int
    path: tuple[str | int, ...]
    value: Any

    @property
    def row(self) -> dict[str, Any]:
        return ROWS[self.kind][self.number]

    def bent(self) -> Any:
        if not self.path:
            return self.value
        row = copy.deepcopy(self.row)
        place: Any = row
        for step in self.path[:-1]:
            place = place[step]
        if self.value is MISSING:
            del place[self.path[-1]]
        else:
            place[self.path[-1]] = self.value
        return row


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The way to everything within a row, itself included."""
    inside: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    return [path, *(longer for step, part in inside for longer in paths(part, (*path, step)))]


def read_paths(kind: str, number: int) -> list[tuple[str | int, ...]]:
    """The paths of a row at which caso looks, the row itself among them."""
    return [path for path in paths(ROWS[kind][number]) if not path or path[0] in READ[kind]]


class _Service:
    """A fake service that answers with the rows of ROWS where it has a list of its own for them, and with the bent one."""

    def __init__(self, fake: Any, bend: Bend | None) -> None:
        self._fake = fake
        self._bend = bend
        self.admin = False

    def answer(self, scope: Any, path: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        name = LISTS.get(path)
        body = {name: ROWS[name]} if name else self._fake.answer(scope, path, params)
        return {key: self._with_bent(value) if key == getattr(self._bend, "kind", None) else value for key, value in body.items()}

    def _with_bent(self, rows: Any) -> Any:
        assert self._bend
        return [self._bend.bent() if row == self._bend.row else row for row in rows]

    def versions(self) -> Mapping[str, Any]:
        return self._fake.versions()


def _servers(at: datetime) -> list[dict[str, Any]]:
    """As they are NOW; BEFORE, the one in rescue was not yet."""
    rows = [*ROWS["servers"], a_server("f-server", OTHER, created="2026-10-01T00:00:00Z", updated="2026-10-01T00:01:00Z")]
    if at >= NOW:
        return rows
    earlier = {"status": "ACTIVE", "updated": "2026-10-03T11:05:00Z"}
    return [row | earlier if row["status"] == "RESCUE" else row for row in rows]


def _sources(at: datetime, bend: Bend | None) -> Sources:
    rescued = next(row for row in ROWS["servers"] if row["status"] == "RESCUE")
    projects = [*ROWS["projects"], {"id": OTHER, "name": "other", "tags": ["caso"], "VO": "other.vo"}]
    volumes = [*ROWS["volumes"], a_volume("f-volume", OTHER)]
    floating = [*ROWS["floatingips"], a_floating_ip("f-address", OTHER)]
    fakes = {
        "compute": FakeCompute(_servers(at), actions={rescued["id"]: ROWS["instanceActions"]}),
        "identity": FakeIdentity(projects),
        "image": FakeImage(),
        "block-storage": FakeVolume(volumes),
        "network": FakeNetwork(floating, ROWS["ports"], ROWS["routers"]),
    }
    services: Any = {name: _Service(fake, bend) for name, fake in fakes.items()}
    return Sources(FakeAccess(services), clock=ticking(at + timedelta(milliseconds=1)))


@dataclasses.dataclass
class Bendable:
    """A site in a folder of its own; ``copied`` makes others of it."""

    folder: Path
    recipient: Recipient = dataclasses.field(default_factory=Recipient)

    def copied(self, folder: Path) -> "Bendable":
        shutil.copytree(self.folder, folder)
        return Bendable(folder, copy.deepcopy(self.recipient))

    def prepare(self) -> None:
        """Make the store: it takes longer than a run."""
        with self._store():
            pass

    def run(self, at: datetime, bend: Bend | None = None) -> tuple[Report, set[tuple[str, str]]]:
        """The report, and the kind and id of what is set aside; the messages reach the recipient."""
        with self._store() as store:
            report = run(self._job(at, bend), store, ticking(at))
            places = {scope.scope.region for scope in report.scopes}
            aside = {(odd.kind, odd.object_id) for region in places for odd in store.quarantined(Place("", region))}
        self.recipient.drain(self.folder / "queue")
        return report, aside

    def _store(self) -> Any:
        return open_store(f"sqlite:///{self.folder}/spool/caso.sqlite")

    def _job(self, at: datetime, bend: Bend | None) -> Job:
        sources = _sources(at, bend)
        found = find_projects(sources.identity, tag="caso")
        messenger = SsmMessenger(self.folder / "queue")
        return Job(
            cloud="",
            projects=[project for project in found.found if project.vo],
            extractors={
                "nova": NovaExtractor(sources),
                "cinder": CinderExtractor(sources),
                "neutron": NeutronExtractor(sources, counted=list(Origin)),
            },
            rules={REGION: Rules("SITE", "SERVICE", "OpenStack")},
            outlets=[Outlet("ssm", messenger, frozenset({"cloud", "accelerator", "ip", "storage"}))],
            period=Period(now=at, until=at),
            threads=1,
        )


Rows = Mapping[str, Mapping[tuple[Any, ...], Mapping[str, Any]]]


def untouched(rows: Rows, bend: Bend) -> dict[str, Any]:
    """The rows of a recipient, without those, and those fields, that the bent row may make others."""
    keep, hidden = _TOUCHES[bend.kind](bend)
    return {
        f"{kind} {key}": {name: value for name, value in row.items() if name not in hidden}
        for kind, held in rows.items()
        for key, row in held.items()
        if keep(kind, key, row)
    }


Keep = Callable[[str, tuple[Any, ...], Mapping[str, Any]], bool]


def _without_ids(*ids: Any) -> Keep:
    """All but the rows of some servers and volumes; the key of a volume's rows is its id, slashes and all, month and number."""
    return lambda kind, key, row: not any(part in ids or str(part).rsplit("/", 2)[0] in ids for part in key)


def _object(bend: Bend) -> tuple[Keep, set[str]]:
    new = bend.bent()
    new_id = new.get("id") if isinstance(new, dict) else None
    return _without_ids(bend.row["id"], new_id), set()


def _flavor(bend: Bend) -> tuple[Keep, set[str]]:
    users = [row["id"] for row in ROWS["servers"] if row["flavor"]["original_name"] == bend.row["name"]]
    return _without_ids(*users), set()


def _address(bend: Bend) -> tuple[Keep, set[str]]:
    return lambda kind, key, row: kind != "ip" or PROJECT not in key, {"PublicIPCount"}


def _project(bend: Bend) -> tuple[Keep, set[str]]:
    return lambda kind, key, row: PROJECT not in row.values(), set()


_TOUCHES: Mapping[str, Callable[[Bend], tuple[Keep, set[str]]]] = {
    "servers": _object,
    "volumes": _object,
    "flavors": _flavor,
    **dict.fromkeys(("floatingips", "ports", "routers"), _address),
    "images": lambda bend: (lambda *_: True, {"ImageId"}),
    "users": lambda bend: (lambda *_: True, {"GlobalUserName", "UserIdentity"}),
    "projects": _project,
    "instanceActions": lambda bend: (_without_ids(bend.row["instance_uuid"]), set()),
}
