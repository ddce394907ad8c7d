"""What ``caso-explain --json`` prints: an object for each region that the thing is known in. The manual page documents it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from caso.accounting.use import Term, Use
from caso.cli import documents
from caso.cli.documents import instant
from caso.explaining import Answer, Devices, Explanation, ServerMonth, Told, VolumeMonth, VolumePart
from caso.lifecycle.server import Server, ServerState
from caso.lifecycle.volume import VolumeState
from caso.store import Entry, Place, Quarantined


def answer(found: Answer) -> Iterator[dict[str, Any]]:
    odd = {(place, one.kind): one for place, one in found.quarantined}
    for one in found.explanations:
        yield _explanation(one) | {"quarantine": _quarantine(odd.pop((one.known.place, one.known.kind), None))}
    for (place, kind), quarantined in odd.items():
        what = {"kind": kind, "uuid": quarantined.object_id, **_place(place), "project_id": quarantined.project_id}
        yield what | {"quarantine": _quarantine(quarantined)}


def _explanation(one: Explanation) -> dict[str, Any]:
    entity, known = one.entity, one.known
    return {
        "kind": known.kind,
        "uuid": entity.uuid,
        **_place(known.place),
        "name": entity.name,
        "project_id": entity.project_id,
        "vo": one.vo,
        "user_id": entity.user_id,
        "user_name": entity.user_name,
        "launched": entity.launched if isinstance(entity, Server) else True,
        "created": instant(entity.created),
        "ended": instant(entity.ended),
        "end_reason": entity.end_reason,
        "first_seen": instant(entity.first_seen),
        "known_at": instant(entity.known_at),
        "accounted_until": instant(known.accounted_until),
        "known_otherwise_from": instant(known.dirty_from),
        "notes": list(one.notes),
        "intervals": [_interval(told) for told in one.intervals],
        "months": [_server_month(m) if isinstance(m, ServerMonth) else _volume_month(m) for m in one.months],
        "records": [_record(entry) for entry in one.records],
    }


def _place(place: Place) -> dict[str, Any]:
    return {"cloud": place.cloud, "region": place.region}


def _quarantine(odd: Quarantined | None) -> dict[str, Any] | None:
    if odd is None:
        return None
    return {"reason": odd.reason, "window_start": instant(odd.window_start), "met_at": instant(odd.met_at)}


def _interval(told: Told[Any]) -> dict[str, Any]:
    return {
        "start": instant(told.interval.start),
        "end": instant(told.interval.end),
        **_state(told.interval.value),
        "told_by": told.interval.source.value,
        "start_is": told.certainty.value,
        "start_earliest": instant(told.earliest),
        "start_latest": instant(told.latest),
    }


def _state(state: ServerState | VolumeState) -> dict[str, Any]:
    if isinstance(state, VolumeState):
        return {"project_id": state.project_id, "size_gib": state.size_gib, "type": state.type}
    flavor = state.flavor
    return {
        "project_id": state.project_id,
        "status": state.status,
        "flavor": flavor.name,
        "vcpus": flavor.vcpus,
        "memory_mib": flavor.memory_mib,
        "disk_gib": flavor.disk_gib,
    }


def _server_month(month: ServerMonth) -> dict[str, Any]:
    sent = month.sent
    return {
        **_month(month),
        "intervals": [_term(term, month) for term in month.terms],
        "use": _use(month.use),
        "cumulative": _use(month.total),
        "cpu_measured_since": instant(month.cpu_measured_since),
        "sent": None if sent is None else _use(Use.recorded(sent)),
        "accelerators": [_accelerator(devices) for devices in month.accelerators],
        "notes": list(month.notes),
    }


def _volume_month(month: VolumeMonth) -> dict[str, Any]:
    return {
        **_month(month),
        "stretches": [_part(part) for part in month.parts],
        "byte_seconds": _number(month.byte_seconds),
        "notes": list(month.notes),
    }


def _month(month: ServerMonth | VolumeMonth) -> dict[str, Any]:
    return {"month": str(month.month), "through": instant(month.through), "completed": month.completed}


def _term(term: Term, month: ServerMonth) -> dict[str, Any]:
    start, end = month.stretch_of(term)
    return {
        "start": instant(start),
        "end": instant(end),
        "vcpus": term.interval.value.flavor.vcpus,
        "wall_seconds": _number(term.wall_seconds),
        "suspend_seconds": _number(term.suspend_seconds),
        "cpu_seconds": _number(term.cpu_seconds),
    }


def _use(use: Use) -> dict[str, int]:
    return {"wall_seconds": use.wall_seconds, "suspend_seconds": use.suspend_seconds, "cpu_seconds": use.cpu_seconds}


def _accelerator(devices: Devices) -> dict[str, Any]:
    held, sent = devices.held, devices.sent
    return {
        "type": held.latest.type,
        "model": held.latest.model,
        "count": held.latest.count,
        "available_seconds": held.available_seconds,
        "sent": None if sent is None else {"count": sent.count, "available_seconds": sent.available_seconds},
    }


def _part(part: VolumePart) -> dict[str, Any]:
    stretch = part.stretch
    return {
        "start": instant(stretch.start),
        "end": instant(stretch.end),
        "project_id": stretch.state.project_id,
        "type": stretch.state.type,
        "size_bytes": stretch.size_bytes,
        "seconds": _number(stretch.seconds),
        "byte_seconds": _number(stretch.byte_seconds),
        "record_id": part.record_id,
    }


def _record(entry: Entry) -> dict[str, Any]:
    return documents.entry(entry) | {"known_at": instant(entry.line.known_at)}


def _number(value: float) -> int | float:
    """Whole seconds as whole numbers; what caso dates by its own clock has fractions."""
    return int(value) if value == int(value) else round(value, 6)
