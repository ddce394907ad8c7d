"""When servers changed since they were last seen, by Nova's instance actions."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from caso.errors import DeniedError, SourceError
from caso.extractors.base import Ask
from caso.extractors.times import listed_since
from caso.extractors.together import together
from caso.lanes import AT_ONCE
from caso.lifecycle.actions import Action, asked_since, told_by, worth_asking
from caso.lifecycle.server import Server, ServerSeen
from caso.sources import Compute, MissingError, OddRow, PartialRow, ServerRow
from caso.window import Window

LOG = logging.getLogger(__name__)

AnyRow = ServerRow | OddRow | PartialRow

PATIENCE = 3
"""Failures in a row after which Nova is asked for no more actions: each may have waited for a time limit."""


class Changes:
    """Asks for the instance actions of servers that changed, each at most once, in one scope of one region."""

    def __init__(self, ask: Ask, compute: Compute, marked: Mapping[str, Window] | None = None) -> None:
        """``marked`` are windows that the question's own reach back from: of what changed before them nobody was told."""
        self._ask = ask
        self._compute = compute
        self._marked = ask.windows if marked is None else marked
        self._asked: set[str] = set()
        self._patience = PATIENCE

    def known(self, rows: Iterable[AnyRow]) -> Mapping[str, Server]:
        """What was known of those rows of a page that may be of changed servers."""
        ids = [row.id for row in rows if _may_have_changed(row, self._ask.windows)]
        return self._ask.memory.known("server", ids) if ids else {}

    def since(self, known: Mapping[str, Server], seen: Sequence[ServerSeen]) -> list[ServerSeen]:
        """What was seen, each with what was done to the server since it was as in ``known``, where that is worth a request.

        Nova is asked about several at a time as long as it answers, else about one after the other.
        """
        told = list(seen)
        left = [place for place, one in enumerate(seen) if self._is_worth_asking(known.get(one.uuid), one)]
        self._asked.update(seen[place].uuid for place in left)
        width = 1
        while left and self._patience:
            some, left = left[:width], left[width:]
            answers = together(lambda place: self._answer(known[seen[place].uuid], seen[place]), some)
            for place, answer in zip(some, answers, strict=True):
                one, actions = seen[place], self._judged(answer)
                if actions is not None:
                    told[place] = dataclasses.replace(one, told=told_by(known[one.uuid], actions, one))
            width = AT_ONCE if self._patience == PATIENCE else 1
        return told

    def _is_worth_asking(self, known: Server | None, seen: ServerSeen) -> bool:
        return known is not None and seen.uuid not in self._asked and worth_asking(known, seen, self._looked_at(seen))

    def _looked_at(self, seen: ServerSeen) -> datetime | None:
        """Until when it is known to have been as it was known, since it would else have been told as changed."""
        window = self._marked.get(seen.project_id)
        changed = seen.ended or seen.unchanged_since
        return window.start if window is not None and changed >= listed_since(window) else None

    def _answer(self, known: Server, seen: ServerSeen) -> list[Action] | SourceError:
        """What was done to it; another thread asks about another one."""
        try:
            rows = self._compute.actions(seen.uuid, asked_since(known))
        except MissingError as exc:
            LOG.debug("its change counts from when its row was last written: %s", exc)
            return []
        except SourceError as exc:
            return exc
        return [Action(row.action, row.at, row.failed) for row in rows if row.at]

    def _judged(self, answer: list[Action] | SourceError) -> list[Action] | None:
        """The answer; None for a failure, which is told, and uses up patience."""
        if not isinstance(answer, SourceError):
            self._patience = PATIENCE if self._patience else 0
            return answer
        # That a server changed is worth more than since which minute: it is no reason to leave its project undone.
        # One server that Nova cannot tell of, as in a cell that is down, costs no other server its times.
        self._patience = 0 if isinstance(answer, DeniedError) else max(self._patience - 1, 0)
        whose = "its changes count" if self._patience else "no more servers are asked about, and changes count"
        LOG.warning("%s; in this run %s from when rows of servers were last written", answer, whose)
        return None


def _may_have_changed(row: AnyRow, windows: Mapping[str, Window]) -> bool:
    """False for what nobody has changed since its project was last extracted."""
    window = windows.get(row.tenant_id or "")
    return isinstance(row, ServerRow) and window is not None and (row.updated or row.created) >= listed_since(window)
