"""Questions that are asked side by side, in threads of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Thread
from typing import TypeVar

T = TypeVar("T")
Answer = TypeVar("Answer")


def together(ask: Callable[[T], Answer], about: Sequence[T]) -> list[Answer]:
    """What ``ask`` returns about each, in their order; what it raises about one, this raises, once all have ended.

    Not concurrent.futures, whose threads Python waits for when a process is told to end, however silent who is asked.

    >>> together(abs, [-1, 2])
    [1, 2]
    """
    if len(about) < 2:
        return [ask(one) for one in about]
    answers: dict[int, Answer] = {}
    errors: dict[int, BaseException] = {}

    def answer(place: int) -> None:
        try:
            answers[place] = ask(about[place])
        except BaseException as exc:  # noqa: BLE001  # raised below, where the others can be told of it
            errors[place] = exc

    threads = [Thread(target=answer, args=(place,), name="caso-together", daemon=True) for place in range(len(about))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _, error in sorted(errors.items()):
        raise error
    return [answers[place] for place in range(len(about))]
