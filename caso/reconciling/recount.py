"""Nova's own usage and a listing made now, of several projects, to hold the ledger against: nothing is remembered of it."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from collections.abc import Iterator
from functools import partial

from caso.errors import DeniedError, SourceError
from caso.extractors.base import Ask, CannotShareError
from caso.extractors.servers import see
from caso.extractors.sharing import Reach, ask_within_reach, require_worth_sharing
from caso.extractors.times import UnreadableError, listed_since
from caso.lifecycle.server import Flavor, ServerSeen
from caso.sources import OddRow, PartialRow, ServerPage, ServerRow, Sources
from caso.sources.usage import UsageRow

LOG = logging.getLogger(__name__)


@dataclasses.dataclass
class Recount:
    """What Nova says of a project: its servers that live or changed since the window's start, and their usage in it.

    ``unreadable`` are the ids of rows that make no sense.
    """

    listed: dict[str, ServerSeen] = dataclasses.field(default_factory=dict)
    unreadable: set[str] = dataclasses.field(default_factory=set)
    usage: list[UsageRow] = dataclasses.field(default_factory=list)


def recount(sources: Sources, ask: Ask) -> dict[str, Recount | SourceError]:
    """For each project asked for, what Nova says of it, or why it does not.

    Two listings, shared by all where the role allows, and the usage of each.
    """
    try:
        return dict(ask_within_reach(ask, sources, lambda reach: _asked(sources, ask, reach)))
    except SourceError as exc:
        if len(ask.windows) == 1:
            return dict.fromkeys(ask.windows, exc)
        level = logging.INFO if isinstance(exc, CannotShareError) else logging.WARNING
        LOG.log(level, "%s; asking project by project", exc)
        return {project_id: said for alone in ask.alone() for project_id, said in recount(sources, alone).items()}


def _asked(sources: Sources, ask: Ask, reach: Reach) -> Iterator[tuple[str, Recount | SourceError]]:
    """In this order, as an extractor lists: what ends or changes meanwhile is in the second listing, which is the later truth."""
    counts = {project_id: Recount() for project_id in ask.windows}
    hidden: Counter[str] = Counter()
    compute = sources.compute(ask.region, reach.scope)
    servers = partial(compute.servers, reach.of, all_projects=reach.all_projects, project_id=reach.project_id)
    for number, page in enumerate(servers()):
        if number == 0:
            require_worth_sharing([row.tenant_id for row in page.rows], page.more, ask, "servers")
        hidden += _take(page, counts)
    for page in servers(changes_since=min(listed_since(window) for window in ask.windows.values())):
        hidden += _take(page, counts)
    for project_id, count in counts.items():
        yield project_id, _hides(ask, project_id, hidden) or _with_usage(sources, ask, reach, project_id, count)


def _hides(ask: Ask, project_id: str, hidden: Counter[str]) -> SourceError | None:
    # Where a full page has no room for them, Nova's usage fails: it asks every cell.
    if not hidden[project_id]:
        return None
    name = ask.name_of(project_id)
    return SourceError(f"nova: a cell is down, and hides {hidden[project_id]} servers of project {name}; compare when it is back")


def _with_usage(sources: Sources, ask: Ask, reach: Reach, project_id: str, count: Recount) -> Recount | SourceError:
    of = f"project {ask.name_of(project_id)} ({project_id})"
    try:
        count.usage = sources.usage(ask.region, reach.scope).of(project_id, ask.windows[project_id], of=of)
    except DeniedError:
        # Its own token may see it, where one for another project does not.
        raise
    except SourceError as exc:
        return exc
    return count


def _take(page: ServerPage, counts: dict[str, Recount]) -> Counter[str]:
    """Put each row where it belongs; of how many servers each project has nothing but the id."""
    hidden: Counter[str] = Counter()
    for row in page.rows:
        if isinstance(row, PartialRow):
            hidden.update([row.tenant_id] if row.tenant_id else counts)
        elif row.tenant_id is None:
            for count in counts.values():
                count.unreadable.add(row.id)
        elif row.tenant_id in counts:
            _put(row, page, counts[row.tenant_id])
    return hidden


def _put(row: ServerRow | OddRow, page: ServerPage, count: Recount) -> None:
    if isinstance(row, OddRow):
        count.unreadable.add(row.id)
        return
    size = row.flavor
    flavor = Flavor(size.original_name, size.vcpus, size.ram, size.disk + size.ephemeral)
    try:
        count.listed[row.id] = see(row, page.arrived_at, flavor, image_name=None, user_name=None)
    except UnreadableError:
        count.unreadable.add(row.id)
