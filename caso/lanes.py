"""Who goes next where many wait: each service has a lane of its own, so that a slow one holds up only itself."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable
from threading import Condition
from typing import Generic, TypeVar

AT_ONCE = 4
"""Out of one lane at a time, unless told otherwise: an API that is asked by more answers each the later."""

T = TypeVar("T")


class Lanes(Generic[T]):
    """Tasks that wait, first come first served in the lane that ``lane_of`` names. Threads share it.

    From one lane at most ``limit`` tasks are out at a time. The lane that has the fewest out goes next: as long as
    there are as many threads as lanes, none waits for another, however slow that is.

    >>> lanes = Lanes[str](lane_of=lambda task: task[0], limit=2)
    >>> lanes.add(["a1", "a2", "a3", "b1"])
    >>> [lanes.take() for _ in range(3)]
    ['a1', 'b1', 'a2']
    >>> lanes.leave("a2")
    >>> lanes.take()
    'a3'
    """

    def __init__(self, lane_of: Callable[[T], Hashable], limit: int) -> None:
        self._lane_of = lane_of
        self._limit = limit
        self._changed = Condition()
        self._waiting: dict[Hashable, deque[T]] = {}
        self._out: Counter[Hashable] = Counter()
        self._closed = False

    def add(self, tasks: Iterable[T]) -> None:
        """These wait from now on."""
        with self._changed:
            self._add(tasks)

    def take(self) -> T | None:
        """The next task, as soon as its lane has room; None once there will be none any more."""
        with self._changed:
            while not self._closed:
                free = [lane for lane, tasks in self._waiting.items() if tasks and self._out[lane] < self._limit]
                if free:
                    lane = min(free, key=self._out.__getitem__)
                    self._out[lane] += 1
                    return self._waiting[lane].popleft()
                self._changed.wait()
        return None

    def leave(self, task: T, parts: Iterable[T] = ()) -> None:
        """A task that was taken has ended; ``parts`` wait from now on in its place.

        Both at once: in between, the last thread could go to a lane that is slow, and these would wait for that.
        """
        with self._changed:
            self._out[self._lane_of(task)] -= 1
            self._add(parts)

    def close(self) -> None:
        """Nothing is taken any more, and nobody waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _add(self, tasks: Iterable[T]) -> None:
        for task in tasks:
            self._waiting.setdefault(self._lane_of(task), deque()).append(task)
        self._changed.notify_all()
