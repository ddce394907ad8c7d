"""A month of the ledger beside Nova's own usage and a listing made now, for each project and region. Writes nothing."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from caso.accounting.rules import Rules
from caso.errors import CasoError, SourceError
from caso.extractors.base import Ask
from caso.lifecycle.measured import NOTHING
from caso.projects import Project
from caso.reconciling.cases import Basis, Bill, Booked, Case, Known
from caso.reconciling.causes import NO_HOURS, Cause, Hours, Size
from caso.reconciling.comparing import Comparison, compare
from caso.reconciling.recount import Recount, recount
from caso.records import CloudRecord
from caso.sources import Sources
from caso.sources.usage import UsageRow
from caso.store import Checkpoint, Entry, Place, Selection, Step, Store
from caso.window import Month, Window

SERVER = "server"


@dataclasses.dataclass(frozen=True)
class Asked:
    """What is to be compared, as wiring builds it; ``projects`` may be without a VO, ``missing`` says what was not found."""

    cloud: str
    sources: Sources
    projects: Sequence[Project]
    regions: Sequence[str]
    rules: Rules
    missing: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Row:
    """A project in a region: compared up to ``window``'s end, or why it could not be (``trouble``)."""

    project: Project
    region: str
    window: Window | None = None
    servers: Sequence[Comparison] = ()
    trouble: CasoError | None = None

    def total(self, of: Callable[[Comparison], Hours]) -> Hours:
        return sum((of(server) for server in self.servers), NO_HOURS)

    @property
    def causes(self) -> dict[Cause, tuple[int, Hours]]:
        """For each cause, its servers and their hours, in the order of the causes."""
        count = Counter(cause for server in self.servers for cause in server.causes)
        return {
            cause: (count[cause], self.total(lambda server, of=cause: server.causes.get(of, NO_HOURS)))  # type: ignore[misc]
            for cause in Cause
            if count[cause]
        }

    @property
    def settled(self) -> bool:
        """The two agree, or every difference has a known cause."""
        return self.trouble is None and Cause.NOT_EXPLAINED not in self.causes


def reconcile(asked: Asked, store: Store, month: Month) -> Iterator[Row]:
    """A row for each project and region; ``store`` is a copy, as a transaction is opened to read it."""
    marks = _marks(asked, store)
    for region in asked.regions:
        rows = [_begun(project, region, marks.get((region, project.id)), month) for project in asked.projects]
        windows = {row.project.id: row.window for row in rows if row.window}
        names = {project.id: project.name for project in asked.projects}
        answers = recount(asked.sources, Ask(region, windows, names)) if windows else {}
        for row in rows:
            answer = answers.get(row.project.id)
            if isinstance(answer, SourceError):
                row.trouble = answer
            elif answer and row.window:
                mark = marks[region, row.project.id]
                cases = _cases(store, mark, answer, month, row.window)
                begun = mark.since is None or row.window.end > mark.since or any(case.booked for case in cases)
                basis = Basis(row.window, mark.since, mark.until, asked.rules, begun)
                row.servers = [compare(case, basis) for case in cases]
            yield row


def _marks(asked: Asked, store: Store) -> dict[tuple[str, str], Checkpoint]:
    """How far the servers of each region and project are extracted."""
    telling = [mark for mark in store.checkpoints.all() if mark.scope.cloud == asked.cloud and SERVER in mark.kinds]
    # Of several extractors that tell of servers, the one that has come furthest has booked the most.
    ordered = sorted(telling, key=lambda mark: mark.until)
    return {(mark.scope.region, mark.scope.project_id): mark for mark in ordered}


def _begun(project: Project, region: str, mark: Checkpoint | None, month: Month) -> Row:
    row = Row(project, region)
    whose = f"project {project.name} ({project.id})"
    if project.vo is None:
        row.trouble = CasoError(f"{whose} has no VO: nothing is booked for it; set its VO, or take its tag away")
    elif mark is None:
        row.trouble = CasoError(f"{whose}: its servers were never extracted in region {region}; run caso-extract first")
    elif mark.until <= month.start:
        row.trouble = CasoError(f"{whose}: its servers are extracted up to {mark.until:%FT%TZ} only, which is before {month}")
    else:
        row.window = Window.of(month.start, min(month.end, mark.until))
    return row


def _cases(store: Store, mark: Checkpoint, answer: Recount, month: Month, window: Window) -> list[Case]:
    """Every server that one of the sources tells of."""
    place, project_id = mark.scope.place, mark.scope.project_id
    odd = {one.object_id for one in store.quarantined(place) if one.kind == SERVER} | answer.unreadable
    held = store.ledger.inspection.entries(Selection(CloudRecord.kind, project_id, month), ())
    records = {one.line.subject: _record(one) for one in held if (one.line.cloud, one.line.region) == place}
    with store.transaction() as step:
        before = step.ledger.before_many(records, CloudRecord.kind, month)
        known = _known(step, place, project_id, window)
    booked = {
        record.vm_uuid: Booked(record, earlier if isinstance(earlier := before.get(subject), CloudRecord) else None)
        for subject, record in records.items()
    }
    bills = {row.id: _bill(row) for row in answer.usage}
    uuids = sorted(booked.keys() | bills.keys() | answer.listed.keys())
    return [
        Case(uuid, bills.get(uuid), answer.listed.get(uuid), booked.get(uuid), known.get(uuid), uuid in odd) for uuid in uuids
    ]


def _record(held: Entry) -> CloudRecord:
    return CloudRecord.from_content(json.loads(held.line.content), held.line.known_at)


def _known(step: Step, place: Place, project_id: str, window: Window) -> dict[str, Known]:
    due = step.entities.lived(place, project_id, since=window.start, kind=SERVER)
    known = {
        item.entity.uuid: Known(item.entity, dirty=item.accounted_until is None or item.dirty_from is not None) for item in due
    }
    metered = step.measures.metered(place, known)
    return {uuid: dataclasses.replace(one, metered=metered.get(uuid, NOTHING)) for uuid, one in known.items()}


def _bill(row: UsageRow) -> Bill:
    return Bill(row.hours * 3600, Size(row.vcpus, row.memory_mib, row.disk_gib), row.started_at, row.ended_at)
