"""Public addresses to levels: how many a project holds, and how many lead to a server."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from caso.accounting.rules import Rules
from caso.lifecycle.address import Address
from caso.records import IpRecord
from caso.window import Window

TAKEN_AWAY = timedelta(minutes=2)
"""Neutron lets a server's addresses go a little before Nova writes down its end."""


def ip_records(
    addresses: Sequence[Address], project_id: str, vo: str, since: datetime, until: datetime, rules: Rules
) -> list[IpRecord]:
    """The level of each IP version at the end of each month that [since, until) touches, and at ``until``, oldest first.

    ``addresses`` are those of the project in all regions of the service, with those that it gave back since the
    month of ``since`` began: a month in which it held one at some time has a record, be its level 0.
    """
    records = []
    for month in Window(since, until).months():
        measured_at = month.last_second if month.end <= until else until
        for version in sorted({a.version for a in addresses if _held_between(a, project_id, month.start, measured_at)}):
            of_version = [address for address in addresses if address.version == version]
            records.append(
                IpRecord(
                    measured_at=measured_at,
                    known_at=max(address.known_at for address in of_version),
                    site_name=rules.site_name,
                    service_name=rules.service_name,
                    cloud_type=rules.cloud_type,
                    project_id=project_id,
                    vo=vo,
                    ip_version=version,
                    ip_count=sum(_held_by(address, project_id, measured_at) for address in of_version),
                )
            )
    return records


def of_server(addresses: Iterable[Address], server_uuid: str, through: datetime, *, completed: bool) -> int:
    """How many addresses lead to a server at the end of a reading; for a completed server, those that it had until its end."""
    return sum(_leads_to(address, server_uuid, through, completed) for address in addresses)


def _leads_to(address: Address, server_uuid: str, through: datetime, completed: bool) -> bool:
    for interval in address.intervals():
        end = interval.end
        if end is not None and completed:
            # One that vanished may have gone with the server: it had it until then, as far as anyone knows.
            vanished = address.end_reason is not None and end == address.ended
            end = (address.known_at if vanished else end) + TAKEN_AWAY
        if interval.value.server_id == server_uuid and interval.start <= through and (end is None or through < end):
            return True
    return False


def _held_by(address: Address, project_id: str, instant: datetime) -> bool:
    state = address.state_at(instant)
    return state is not None and state.project_id == project_id


def _held_between(address: Address, project_id: str, start: datetime, end: datetime) -> bool:
    return any(
        interval.value.project_id == project_id and interval.start <= end and (interval.end is None or start < interval.end)
        for interval in address.intervals()
    )
