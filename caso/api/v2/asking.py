"""One question to /v2: who asks, of what, and when; and the operations that answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from caso.api.access import Caller
from caso.api.errors import ForbiddenError, RefusedError
from caso.api.settings import Settings
from caso.api.v2.documents import Document
from caso.api.v2.parameters import Parameter, quoted
from caso.store import Store


class Asked(NamedTuple):
    """A question as it was read: ``sent`` are the values of its parameters, ``path`` is where it was put."""

    store: Store
    settings: Settings
    now: datetime
    caller: Caller
    path: str
    query: Mapping[str, str]
    sent: Mapping[str, Any]

    def require_readable(self, project_id: str | None) -> None:
        if not self.caller.may_read(project_id):
            what = "this" if project_id is None else f"project {project_id}"
            raise ForbiddenError(
                f"your token does not let you read {what}; take one for the project, with a role that may read it"
            )


@dataclasses.dataclass(frozen=True, slots=True)
class Operation:
    """Something that can be asked at ``path``: ``answer`` answers with an ``answers``, after ``parameters`` were read.

    ``statuses`` are those besides 200 that are its own; what all operations share, :mod:`caso.api.v2.openapi` adds.
    """

    id: str
    path: str
    summary: str
    answers: type[Document]
    answer: Callable[[Asked], Document]
    path_parameters: Sequence[Parameter] = ()
    query: Sequence[Parameter] = ()
    statuses: Mapping[int, str] = dataclasses.field(default_factory=dict)

    def read(self, path_values: Mapping[str, str], query: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """The values of all parameters. RefusedError for what nobody can read, was sent twice, or is no parameter."""
        known = [parameter.name for parameter in self.query]
        for name in query:
            if name not in known:
                # Misspelled and passed over, it would be an answer to another question.
                there = f"there are {', '.join(known)}" if known else "there are none"
                raise RefusedError(f"{quoted(name)} is no parameter here; {there}")
        values = {parameter.name: parameter.read(path_values[parameter.name]) for parameter in self.path_parameters}
        for parameter in self.query:
            sent = query.get(parameter.name, ())
            if len(sent) > 1:
                raise RefusedError(f"{parameter.name}: sent {len(sent)} times; send it once")
            values[parameter.name] = parameter.read(sent[0]) if sent else parameter.default
        return values
