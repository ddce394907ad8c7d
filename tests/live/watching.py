"""Seeing what became of servers and volumes: one list of all of them, a few times a second, for all who wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.live.client import Client

EVERY_SECONDS = 0.3
WITHIN_SECONDS = 300
LISTS = {"server": ("compute", "/servers/detail", "servers"), "volume": ("block-storage", "/volumes/detail", "volumes")}

Row = dict[str, Any]


class NeverHappenedError(RuntimeError):
    """What was asked for did not come about; the text has the thing as it was seen last."""


class _Seen(NamedTuple):
    asked: float
    rows: dict[str, Row]


class Watch:
    """Lists while someone waits; ``with`` begins and ends it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._changed = threading.Condition()
        self._waiting = dict.fromkeys(LISTS, 0)
        self._seen = dict.fromkeys(LISTS, _Seen(0, {}))
        self._problem: Exception | None = None
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._list, args=(kind,), daemon=True) for kind in LISTS]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def until(self, kind: str, id_: str, happened: Callable[[Row | None], bool]) -> Row | None:
        """The row of a thing, None where it is gone, once it is as it shall be: by a list that was asked for from now on."""
        now = time.monotonic()
        with self._changed:
            self._waiting[kind] += 1
            try:
                while True:
                    self._changed.wait(timeout=1)
                    if self._problem:
                        raise self._problem
                    seen = self._seen[kind]
                    row = seen.rows.get(id_)
                    if seen.asked > now and happened(row):
                        return row
                    failed = seen.asked > now and row is not None and _has_failed(row)
                    if failed or time.monotonic() > now + WITHIN_SECONDS:
                        raise NeverHappenedError(f"{kind} {id_}: {row}")
            finally:
                self._waiting[kind] -= 1

    def _list(self, kind: str) -> None:
        service, path, name = LISTS[kind]
        while not self._ended.wait(EVERY_SECONDS):
            if not self._waiting[kind]:
                continue
            asked = time.monotonic()
            try:
                rows = self._client.get(service, path, all_tenants=1)[name]
            # Whoever waits raises it.
            except Exception as exc:  # noqa: BLE001
                self._problem = exc
                rows = []
            with self._changed:
                self._seen[kind] = _Seen(asked, {row["id"]: row for row in rows})
                self._changed.notify_all()


def _has_failed(row: Row) -> bool:
    """It is in error for good: one that is being deleted is not."""
    return row["status"].lower().startswith("error") and not row.get("OS-EXT-STS:task_state")
