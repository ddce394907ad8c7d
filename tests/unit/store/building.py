"""Records, statements and servers to put into a store, each a word long in a test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from caso.lifecycle.server import Flavor, ServerSeen, ServerState
from caso.records import CloudRecord, Record, Status
from caso.store import Held, Place, Scope, Statement, Store
from caso.window import Month

HERE = Place("cloud", "north")
NOVA = Scope("cloud", "north", "p1", "nova")
NOW = datetime(2024, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
JANUARY, FEBRUARY, MARCH = Month(2024, 1), Month(2024, 2), Month(2024, 3)
SMALL = Flavor(name="small", vcpus=1.0, memory_mib=512, disk_gib=10)
LARGE = Flavor(name="large", vcpus=4.0, memory_mib=4096, disk_gib=40)


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def a_server(
    uuid: str = "vm-1", *, at: datetime = NOW, flavor: Flavor = SMALL, project_id: str = "p1", **facts: object
) -> ServerSeen:
    whole = {
        "uuid": uuid,
        "seen_at": at,
        "created": NOW - timedelta(days=30),
        "launched": True,
        "unchanged_since": at - timedelta(days=1),
        "ended": None,
        "state": ServerState(status="ACTIVE", project_id=project_id, flavor=flavor),
    }
    return ServerSeen(**(whole | facts))  # type: ignore[arg-type]


def a_record(
    uuid: str = "vm-1", month: Month = MARCH, *, wall: int = 100, known_at: datetime = NOW, **facts: object
) -> CloudRecord:
    whole = {
        "measured_at": month.last_second,
        "known_at": known_at,
        "vm_uuid": uuid,
        "site_name": "SITE",
        "service_name": "nova",
        "project_id": "p1",
        "vo": "vo.example.org",
        "status": Status.STARTED,
        "start": datetime(2024, 1, 1, tzinfo=UTC),
        "suspend_seconds": 0,
        "wall_seconds": wall,
        "cpu_seconds": wall,
        "cpu_count": 1.0,
        "cloud_type": "caso",
    }
    return CloudRecord(**(whole | facts))  # type: ignore[arg-type]


def a_statement(
    *records: Record, about: str = "vm-1", since: Month = JANUARY, until: Month = Month(2099, 12), known_at: datetime = NOW
) -> Statement:
    """All that is known of a server; by default from January on."""
    return Statement(
        subject=f"server/{about}",
        kinds=frozenset({"cloud"}),
        since=since,
        until=until,
        known_at=known_at,
        records=records,
        place=HERE,
        project_id="p1",
    )


def put(store: Store, *statements: Statement):
    with store.transaction() as step:
        return step.ledger.put_many(statements)


def deliver(store: Store, messenger: str, at: datetime = NOW) -> list[Held]:
    """Accept all that is due; what that was."""
    held = store.ledger.due(messenger, 1000)
    store.ledger.accept(messenger, held, at)
    return held
