"""What a project used, by UTC months."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from caso.accounting.monthly import ServerMeter, ServerUse, Stretch, VolumeMeter, VolumeUse
from caso.accounting.rules import Rules
from caso.api.errors import RefusedError
from caso.api.v2.asking import Asked, Operation
from caso.api.v2.documents import MonthUse, ServerUseDocument, StretchUse, UsageDocument, VolumeUseDocument
from caso.api.v2.parameters import FROM, PROJECT_ID, TO
from caso.lifecycle.server import Server
from caso.store import Lived
from caso.window import Month, Window

MOST_MONTHS = 120


def usage(asked: Asked) -> UsageDocument:
    project_id = asked.sent["project_id"]
    asked.require_readable(project_id)
    months = _months(asked)
    stretches = [Stretch(month.start, max(month.start, min(month.end, asked.now))) for month in months]
    whole = Stretch(
        stretches[0].start, stretches[-1].end if months[-1].start <= asked.now else max(stretches[0].start, asked.now)
    )
    rules = Rules("", "", "", suspended_states=asked.settings.suspended_states)
    meter = _Meter([*stretches, whole], project_id, rules)
    for lived in asked.store.lives.between(project_id, whole.start, whole.end):
        meter.add(lived)
    *shown, total = meter.documents()
    return UsageDocument(
        project_id=project_id,
        months=[MonthUse(month=str(month), **dict(one)) for month, one in zip(months, shown, strict=True)],
        total=total,
    )


def _months(asked: Asked) -> list[Month]:
    last: Month = asked.sent["to"] or Month.of(asked.now)
    first: Month = asked.sent["from"] or last
    if first > last:
        raise RefusedError(f"from: {first} is later than {last}, the last month that is asked for; swap or mend the months")
    months = list(Window(first.start, last.end).months())
    if len(months) > MOST_MONTHS:
        raise RefusedError(f"from {first} to {last} are {len(months)} months; ask for {MOST_MONTHS} at most at a time")
    return months


class _Meter:
    """Adds up, for each stretch of time, what the project used of one resource after the other."""

    def __init__(self, stretches: Sequence[Stretch], project_id: str, rules: Rules) -> None:
        self._stretches = stretches
        self._project_id = project_id
        self._rules = rules
        self._servers = [ServerUse()] * len(stretches)
        self._volumes = [VolumeUse()] * len(stretches)

    def add(self, lived: Lived) -> None:
        if isinstance(lived.entity, Server):
            server = ServerMeter(lived.entity, self._project_id, self._rules)
            for number, stretch in enumerate(self._stretches):
                if (of_server := server.use(stretch)).count:
                    self._servers[number] += of_server
        else:
            volume = VolumeMeter(lived.entity, self._project_id)
            for number, stretch in enumerate(self._stretches):
                if (of_volume := volume.use(stretch)).count:
                    self._volumes[number] += of_volume

    def documents(self) -> list[StretchUse]:
        found = zip(self._stretches, self._servers, self._volumes, strict=True)
        return [
            StretchUse(start=stretch.start, end=stretch.end, servers=_of_servers(servers), volumes=_of_volumes(volumes))
            for stretch, servers, volumes in found
        ]


def _of_servers(use: ServerUse) -> ServerUseDocument:
    return ServerUseDocument(
        count=use.count,
        count_of_unknown_size=use.unsized,
        wall_hours=_rounded(use.wall_hours),
        suspended_hours=_rounded(use.suspended_hours),
        core_hours=_rounded(use.core_hours),
        memory_gib_hours=_rounded(use.memory_gib_hours),
        disk_gib_hours=_rounded(use.disk_gib_hours),
    )


def _of_volumes(use: VolumeUse) -> VolumeUseDocument:
    return VolumeUseDocument(count=use.count, volume_gib_hours=_rounded(use.gib_hours))


def _rounded(hours: Fraction) -> float:
    return float(round(hours, 6))


OPERATIONS = (
    Operation(
        id="show_usage",
        path="/projects/{project_id}/usage",
        summary="What a project used, by UTC months, of the time in which it owned its resources",
        answers=UsageDocument,
        answer=usage,
        path_parameters=(PROJECT_ID,),
        query=(FROM, TO),
    ),
)
