"""A cloud with a past, random ones of them, and caso looking at it now and then: for laws about whole runs."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import strategies as st

from caso.delivery import Outlet
from caso.errors import DeniedError
from caso.extractors.cinder import CinderExtractor
from caso.extractors.nova import NovaExtractor
from caso.lifecycle.server import Server
from caso.messengers.ssm import SsmMessenger
from caso.planning import Period
from caso.report import Report
from caso.run import run
from caso.store import Place, Store
from caso.store.entities import Entities
from caso.testing.histories import BIG, FPGA, ONE_GPU, SMALL, TWO_GPUS, ServerHistory, actions_at, rows_at
from caso.testing.recipient import Recipient
from caso.testing.servers import FakeCompute
from caso.testing.sources import REGION, fake_sources
from caso.testing.volume_histories import VERBS, VolumeHistory, volumes_at
from caso.testing.volumes import FakeVolume
from caso.window import BEGINNING, Month
from tests.unit.cloudlet import Cloudlet, ticking

SIZES = (SMALL, BIG, ONE_GPU, TWO_GPUS, FPGA)
FLAVORS = {size.name: size.specs for size in SIZES}
PROJECTS = ("p1", "p2")
LAST_WORDS = ("delete", "softDelete", "forceDelete", "reclaim")
COUNTS = ("resize", "revertResize", "suspend", "resume", "shelveAtOnce", "shelveOffload", "unshelve", "start", "confirmResize")
ENDS = ((), (), ("delete",), ("delete",), ("softDelete", "restore"), ("softDelete", "reclaim"), ("softDelete", "forceDelete"))
FIRST_LOOK = datetime(2024, 3, 10, 11, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))


@dataclasses.dataclass(frozen=True)
class Visit:
    """A run ``after`` so long; ``how``: it is whole, it fails on that page, or it extracts the months of so many days again."""

    after: timedelta
    fails_on: int | None = None
    again: bool = False
    past: tuple[timedelta, timedelta] | None = None


@dataclasses.dataclass(frozen=True)
class Plan:
    """An example: what is there, how caso is run, and how Nova answers."""

    servers: tuple[ServerHistory, ...]
    volumes: tuple[VolumeHistory, ...]
    visits: tuple[Visit, ...]
    tells: bool
    admin: bool
    page_size: int


@st.composite
def server_histories(draw: st.DrawFn, server_id: str, most: int = 10) -> ServerHistory:
    created = FIRST_LOOK + draw(births) + draw(st.integers(0, 3599)) * SECOND
    built = draw(st.sampled_from([MINUTE, MINUTE, MINUTE, MINUTE, HOUR, HOUR, None]))
    life = ServerHistory(server_id, draw(st.sampled_from(PROJECTS)), created, draw(st.sampled_from(SIZES)), built)
    for _ in range(draw(st.integers(2, most))):
        # Most of a life is changes that count.
        going_on = [verb for verb in life.possible if verb not in LAST_WORDS for _ in range(1 + 4 * (verb in COUNTS))]
        if not going_on:
            break
        verb = draw(st.sampled_from(going_on))
        took = draw(st.sampled_from([SECOND, 5 * SECOND, 3 * MINUTE]))
        life = life.then(
            verb,
            life.quiet_from + draw(pauses),
            size=draw(st.sampled_from([size for size in SIZES if size != life.newest_size])),
            took=took,
        )
    for verb in draw(st.sampled_from(ENDS)):
        if verb in life.possible:
            life = life.then(verb, life.quiet_from + draw(pauses))
    return life


@st.composite
def volume_histories(draw: st.DrawFn, volume_id: str, most: int = 5) -> VolumeHistory:
    created = FIRST_LOOK + draw(births)
    life = VolumeHistory(volume_id, draw(st.sampled_from(PROJECTS)), created, draw(st.integers(1, 100)))
    for _ in range(draw(st.integers(1, most))):
        verb = draw(st.sampled_from(["extend", "extend", *VERBS]))
        wanted = {
            "extend": {"size_gib": life.newest.size_gib + draw(st.integers(1, 100))},
            "retype": {"volume_type": draw(st.sampled_from(["fast", "slow"]))},
            "transfer": {"project_id": draw(st.sampled_from(PROJECTS))},
        }
        life = life.then(verb, life.newest.at + draw(pauses), **wanted.get(verb, {}))
        if life.ended:
            break
    return life


births = st.one_of(st.integers(-10 * 24, 10 * 24), st.integers(-60 * 24, 20 * 24)).map(lambda count: count * HOUR)
pauses = st.one_of(
    st.integers(1, 120).map(lambda count: count * MINUTE),
    st.integers(1, 72 * 60).map(lambda count: count * MINUTE + 7 * SECOND),
    st.integers(1, 12 * 24).map(lambda count: count * HOUR),
)
"""Between two things done to one server or volume."""
gaps = st.one_of(
    st.integers(1, 180).map(lambda count: count * MINUTE),
    st.integers(1, 48).map(lambda count: count * HOUR),
    st.integers(1, 20 * 24).map(lambda count: count * HOUR),
    st.integers(1, 20 * 24).map(lambda count: count * HOUR),
    st.integers(20, 92).map(lambda count: count * DAY),
)
"""Between two runs: minutes to weeks, and outages of up to three months."""


@st.composite
def visits(draw: st.DrawFn) -> Visit:
    match draw(st.sampled_from(["run", "run", "run", "run", "fail", "again", "past"])):
        case "fail":
            return Visit(draw(gaps), fails_on=draw(st.integers(1, 5)))
        case "again":
            return Visit(timedelta(0), again=True)
        case "past":
            back = draw(st.integers(1, 90))
            return Visit(draw(gaps), past=(back * DAY, draw(st.integers(0, back - 1)) * DAY))
        case _:
            return Visit(draw(gaps))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    return Plan(
        servers=tuple(draw(server_histories(f"s{number}")) for number in range(draw(st.integers(1, 2)))),
        volumes=tuple(draw(volume_histories(f"v{number}")) for number in range(draw(st.integers(0, 1)))),
        visits=(Visit(timedelta(0)), *draw(st.lists(visits(), min_size=2, max_size=6)), Visit(draw(gaps))),
        tells=draw(st.sampled_from([True, True, True, False])),
        admin=draw(st.booleans()),
        page_size=draw(st.sampled_from([1, 2, 1000])),
    )


class WatchedCompute(FakeCompute):
    """Notes whom it showed."""

    def __init__(self, *args, **kwargs) -> None:  # type: ignore[no-untyped-def]
        super().__init__(*args, **kwargs)
        self.shown: set[str] = set()

    def answer(self, scope, path, params):  # type: ignore[no-untyped-def]
        answer = super().answer(scope, path, params)
        self.shown |= {row["id"] for row in answer.get("servers", ())}
        return answer


class WatchedVolume(FakeVolume):
    """Notes which volumes it showed."""

    def __init__(self, *args, **kwargs) -> None:  # type: ignore[no-untyped-def]
        super().__init__(*args, **kwargs)
        self.shown: set[str] = set()

    def answer(self, scope, path, params):  # type: ignore[no-untyped-def]
        answer = super().answer(scope, path, params)
        self.shown |= {row["id"] for row in answer.get("volumes", ())}
        return answer


class MuteCompute(WatchedCompute):
    """Its policies keep the instance actions from caso."""

    def _actions_of(self, server_id, params):  # type: ignore[no-untyped-def]
        super()._actions_of(server_id, params)
        raise DeniedError("nova: cannot show actions: Policy doesn't allow os-instance-actions:list (HTTP 403)")


class Site:
    """caso, its store and the recipient, looking at the cloud of a plan; ``seen`` is when each thing was shown to it."""

    def __init__(self, folder: Path, plan: Plan, store: Store) -> None:
        self.plan = plan
        self.store = store
        self.cloudlet = Cloudlet(folder)
        self.outlet = Outlet("ssm", SsmMessenger(self.cloudlet.queue, max_size=3), self.cloudlet.outlet().kinds)
        self.now = FIRST_LOOK
        self.seen: dict[str, list[datetime]] = {}
        self.months: set[Month] = set()
        self.asked: list[list[str]] = []

    @property
    def recipient(self) -> Recipient:
        self.cloudlet.received()
        return self.cloudlet.recipient

    def visit(self, visit: Visit) -> Report:
        """Go on to the time of a visit, and run."""
        self.now += visit.after
        period = None
        if visit.past:
            since, until = (self.now - back for back in visit.past)
            period = Period(now=self.now, until=until, since=since, past=True)
        report = self.run(period, visit.fails_on)
        self._note_months(report, period)
        return report

    def run(self, period: Period | None = None, fails_on: int | None = None, **changes) -> Report:  # type: ignore[no-untyped-def]
        kind = WatchedCompute if self.plan.tells else MuteCompute
        rules = {"page_size": self.plan.page_size, "fail_on_page": fails_on, "admin": self.plan.admin}
        actions = actions_at(self.plan.servers, self.now)
        compute = kind(rows_at(self.plan.servers, self.now), FLAVORS, actions=actions, **rules)
        volume = WatchedVolume(volumes_at(self.plan.volumes, self.now), **rules)
        sources = fake_sources(compute=compute, volume=volume, clock=ticking(self.now + timedelta(milliseconds=1)))
        asked = {"nova": self.plan.servers, "cinder": self.plan.volumes}
        kinds = {"nova": NovaExtractor, "cinder": CinderExtractor}
        extractors = {name: kinds[name](sources) for name, lives in asked.items() if lives}
        # Several outages of three months take longer than a ledger holds its records unless told otherwise.
        given = {"period": period, "extractors": extractors, "outlets": [self.outlet], "keep_months": 60} | changes
        job = self.cloudlet.job(self.now, compute=compute, **given)
        report = run(job, self.store, ticking(self.now))
        for shown in sorted(compute.shown | volume.shown):
            self.seen[shown] = sorted({*self.seen.get(shown, ()), self.now})
        self.asked.append(compute.asked)
        return report

    def received_by_a_newcomer(self) -> Recipient:
        """What a recipient holds that was connected last, and is sent what the ledger holds."""
        queue = self.cloudlet.folder / "second"
        second = Outlet("second", SsmMessenger(queue, max_size=7), self.outlet.kinds)
        self.run(outlets=[self.outlet, second])
        newcomer = Recipient()
        newcomer.drain(queue)
        return newcomer

    def known_servers(self) -> dict[str, Server]:
        """What caso knows of each server."""
        with self.store.database.read() as connection:
            entities = Entities(connection)
            lived = [entities.lived(Place("", REGION), project, since=BEGINNING) for project in PROJECTS]
            return {due.entity.uuid: due.entity for of_project in lived for due in of_project}

    def _note_months(self, report: Report, period: Period | None) -> None:
        """The months that must be right: those that runs went on through, and those wholly extracted again."""
        for scope in report.scopes:
            start, end = scope.plan.window
            month = Month.of(start)
            while month.start < end:
                if period is None or month.end <= end or month in self.months:
                    self.months.add(month)
                month = month.next()


@contextmanager
def site_of(plan: Plan) -> Iterator[Site]:
    with TemporaryDirectory() as folder, Cloudlet(Path(folder)).store() as store:
        yield Site(Path(folder), plan, store)


def rows_of(recipient: Recipient) -> Mapping[str, Mapping[tuple[object, ...], Mapping[str, object]]]:
    return {kind: dict(rows) for kind, rows in recipient.rows.items()}


def cumulative(recipient: Recipient, server_id: str) -> Sequence[tuple[int, int, int]]:
    """A server's cumulative values, month by month."""
    mine = [(year, number, row) for (uuid, number, year), row in recipient.rows["cloud"].items() if uuid == server_id]
    rows = [row for _, _, row in sorted(mine, key=lambda one: one[:2])]
    return [(row["WallDuration"] or 0, row["SuspendDuration"] or 0, row["CpuDuration"] or 0) for row in rows]
