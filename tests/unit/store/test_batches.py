"""One statement for many rows: what comes back is what SQLAlchemy would have put there."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import bindparam, insert, select, update

from caso.store.batches import execute_many
from caso.store.schema import quarantine

MET = datetime(2024, 3, 10, 11, tzinfo=UTC)


def a_row(object_id: str, **changes: object) -> dict[str, object]:
    row = {"cloud": "c", "region": "r", "kind": "server", "object_id": object_id, "project_id": None, "reason": "odd: 100 %"}
    return row | {"deleted": False, "window_start": MET, "met_at": MET} | changes


def held(connection) -> list[tuple]:  # type: ignore[type-arg, no-untyped-def]
    return [tuple(row) for row in connection.execute(select(quarantine).order_by(quarantine.c.object_id))]


def test_times_truths_and_nothing_come_back_as_they_were(store):
    rows = [a_row("a", deleted=True), a_row("b", project_id="p", met_at=MET.astimezone(timezone(timedelta(hours=9))))]

    with store.database.write() as connection:
        execute_many(connection, insert(quarantine), rows)

        assert held(connection) == [tuple(row.values()) for row in (rows[0], rows[1] | {"met_at": MET})]


def test_a_condition_that_is_the_same_for_all_rows_holds(store):
    mine = update(quarantine).where(quarantine.c.kind == "server", quarantine.c.object_id == bindparam("b_id"))

    with store.database.write() as connection:
        execute_many(connection, insert(quarantine), [a_row("a"), a_row("b"), a_row("b", kind="volume")])
        execute_many(connection, mine.values(deleted=True), [{"b_id": "b", "reason": "gone"}])

        found = {(row[2], row[3]): (row[5], row[6]) for row in held(connection)}
    assert found == {
        ("server", "a"): ("odd: 100 %", False),
        ("server", "b"): ("gone", True),
        ("volume", "b"): ("odd: 100 %", False),
    }


def test_a_time_without_a_zone_is_refused_as_everywhere(store):
    with pytest.raises(Exception, match="no time zone"), store.database.write() as connection:
        execute_many(connection, insert(quarantine), [a_row("a", met_at=datetime(2024, 3, 10))])  # noqa: DTZ001


def test_no_rows_are_nothing_to_do(store):
    with store.database.write() as connection:
        execute_many(connection, insert(quarantine), [])

        assert held(connection) == []
