"""A recipient that is down for a month of runs: the ledger stays bounded, and then the newest state arrives, in order."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from caso.delivery import Outlet
from caso.errors import DeliveryError
from caso.report import Report
from caso.run import run
from caso.store.schema import metadata
from caso.testing.servers import FakeCompute, a_server
from tests.unit.cloudlet import Cloudlet, Recorder, ticking

MONTH = datetime(2024, 3, 1, tzinfo=UTC)


def servers_at(at: datetime) -> list[dict]:  # type: ignore[type-arg]
    """Four servers: one that runs all the month, and three that are stopped, deleted and made in the course of it."""
    stopped, ended, born = (MONTH + timedelta(days=days) for days in (5, 10, 15))
    rows = [a_server("runs", "p1"), a_server("stops", "p2"), a_server("ends", "p1")]
    if at >= stopped:
        rows[1] |= {"status": "SHUTOFF", "updated": f"{stopped:%FT%TZ}"}
    if at >= ended:
        rows[2] |= {"status": "DELETED", "updated": f"{ended:%FT%TZ}", "OS-SRV-USG:terminated_at": f"{ended:%FT%T}.000000"}
    if at >= born:
        rows.append(a_server("born", "p1", created=f"{born:%FT%TZ}", updated=f"{born:%FT%TZ}"))
    return rows


class Content(Recorder):
    """Keeps what each record was, too."""

    def __init__(self, trouble=None) -> None:  # type: ignore[no-untyped-def]
        super().__init__(trouble)
        self.newest: dict[str, str] = {}
        self.measured: list[datetime] = []

    def send(self, records) -> None:  # type: ignore[no-untyped-def]
        super().send(records)
        self.newest |= {record.key: json.dumps(record.content(), sort_keys=True) for record in records}
        self.measured += [record.measured_at for record in records]


@pytest.mark.parametrize("hours", [4, pytest.param(1, marks=pytest.mark.soak)])
def test_a_recipient_that_is_down_for_a_month_costs_no_room_and_then_has_the_newest_in_order_once(tmp_path: Path, hours: int):
    def down(records):  # type: ignore[no-untyped-def]
        raise DeliveryError("connection refused; start it")

    cloudlet, healthy, absent = Cloudlet(tmp_path), Content(), Content(down)
    outlets = [Outlet("healthy", healthy), Outlet("absent", absent)]
    times = [MONTH + timedelta(hours=number) for number in range(hours, 721, hours)]
    later = [times[-1] + timedelta(minutes=10 * number) for number in range(1, 101)]
    with cloudlet.store() as store:

        def extract(at: datetime) -> Report:
            job = cloudlet.job(at, compute=FakeCompute(servers_at(at)), outlets=outlets)
            return run(job, store, ticking(at))

        def rows() -> dict[str, int]:
            with store.database.read() as connection:
                tables = metadata.sorted_tables
                return {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables}

        statuses = {extract(at).exit_status for at in times}
        after_a_month = rows()
        statuses |= {extract(at).exit_status for at in later}
        after_more = rows()
        absent.trouble = None
        last = extract(later[-1] + timedelta(minutes=10))

    live = set(healthy.keys)
    assert statuses == {1}
    assert after_a_month["records"] <= len(live)
    assert after_more == after_a_month
    assert last.exit_status == 0
    assert absent.newest == healthy.newest
    assert sorted(absent.keys) == sorted(live)
    assert absent.measured == sorted(absent.measured)
    print(f"{len(times)} runs, {len(live)} keys, {after_a_month['records']} rows in the ledger, 100 runs more: no row more")
