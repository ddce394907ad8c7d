"""Leases: who works at which scope or for which messenger; a dead process holds none."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Row, delete, func, insert, select, update

from caso.errors import LockedError
from caso.store.engine import Database, chunks
from caso.store.processes import Process
from caso.store.schema import locks

EXPIRES_AFTER = timedelta(minutes=30)
"""When a lease of another host that is not renewed is free again: whether its process lives cannot be seen from here."""
RENEWED_EVERY = timedelta(minutes=1)


class Locks:
    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(self, names: Iterable[str], at: datetime) -> Lease:
        """A lease of all ``names``; LockedError, and none of them, where another process holds one."""
        lease = self.acquire_some(names, at)
        if lease.refused:
            lease.release()
            raise LockedError("; ".join(f"{name} is locked by {holder}" for name, holder in lease.refused.items()))
        return lease

    def acquire_some(self, names: Iterable[str], at: datetime) -> Lease:
        """A lease of those of ``names`` that are free; ``refused`` says who holds the others."""
        wanted, here, token = sorted(set(names)), Process.current(), uuid.uuid4().hex
        with self._database.write() as connection:
            rows = [row for chunk in chunks(wanted) for row in connection.execute(select(locks).where(locks.c.name.in_(chunk)))]
            refused = {row.name: f"{_holder(row)} since {row.acquired:%FT%TZ}" for row in rows if not _is_free(row, here, at)}
            held = [name for name in wanted if name not in refused]
            for chunk in chunks(held):
                connection.execute(delete(locks).where(locks.c.name.in_(chunk)))
            if held:
                lease = {"token": token, **here._asdict(), "acquired": at, "renewed": at}
                connection.execute(insert(locks), [{"name": name, **lease} for name in held])
        return Lease(self._database, token, frozenset(held), refused, at)

    def forget_all(self) -> None:
        with self._database.write() as connection:
            connection.execute(delete(locks))


class Lease:
    """The names held, until the end of the ``with`` block or :meth:`release`."""

    def __init__(self, database: Database, token: str, held: frozenset[str], refused: Mapping[str, str], at: datetime) -> None:
        self.held = held
        self.refused = refused
        self._database = database
        self._token = token
        self._renewed = at

    def renew(self, at: datetime) -> None:
        """To be called at each page and batch; writes now and then. LockedError where another host has taken a name over."""
        # Either way: after the clock was set back, others would see a lease that is not renewed.
        if not self.held or abs(at - self._renewed) < RENEWED_EVERY:
            return
        mine = locks.c.token == self._token
        with self._database.write() as connection:
            connection.execute(update(locks).where(mine).values(renewed=at))
            left = connection.execute(select(func.count()).select_from(locks).where(mine)).scalar_one()
        if left < len(self.held):
            raise LockedError(
                f"this run was silent for more than {EXPIRES_AFTER}, and another one has taken over {len(self.held) - left} "
                f"of its {len(self.held)} locks; it leaves the rest of the work to that one"
            )
        self._renewed = at

    def release(self) -> None:
        if self.held:
            with self._database.write() as connection:
                connection.execute(delete(locks).where(locks.c.token == self._token))
        self.held = frozenset()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.release()


def _holder(row: Row[Any]) -> Process:
    return Process(row.host, row.machine, row.boot, row.pid, row.started)


def _is_free(row: Row[Any], here: Process, at: datetime) -> bool:
    holder = _holder(row)
    if (holder.host, holder.machine) != (here.host, here.machine):
        # Either way: a lease from further in the future than it lasts is of a clock that was wrong, and might hold for years.
        return bool(abs(at - row.renewed) > EXPIRES_AFTER)
    # A process of this host that lives is only slow, however long it was silent.
    return holder.is_known_dead(here)
