"""From a mapping file to Keystone: each project's VO becomes a property of the project, and ``projects`` become tags."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Sequence

from caso.errors import ConfigError, SourceError
from caso.projects import VoMapping, with_vo
from caso.sources import Identity, ProjectRow

OWN_ATTRIBUTES = frozenset(
    {"id", "name", "domain_id", "description", "enabled", "is_domain", "parent_id", "tags", "options", "links"}
)
"""What Keystone itself says of a project: to write a VO there would rename it, or worse."""
TAG = "tag"


class State(enum.Enum):
    """What became of one change, or would."""

    DUE = "would be set"
    DONE = "set"
    THERE = "is there already"
    CONFLICT = "left alone"
    MISSING = "not found"
    FAILED = "failed"

    @property
    def left(self) -> bool:
        """True where a person has to look."""
        return self in (State.CONFLICT, State.MISSING, State.FAILED)


@dataclasses.dataclass(frozen=True)
class Change:
    """A property or tag that a project is to have; ``why`` says more where it is not just done."""

    project: str
    project_id: str
    key: str
    value: str
    state: State
    why: str = ""
    row: ProjectRow | None = None
    is_tag: bool = False
    """``value`` is a tag; else the value of the property ``key``, whatever that is called."""


def property_to_write(properties: Sequence[str]) -> str:
    """The first of the properties that the VO is read from: what stands there counts most."""
    if not properties:
        raise ConfigError("vo_property is empty; name the property that the VOs are to be written to")
    if properties[0] in OWN_ATTRIBUTES:
        raise ConfigError(f"vo_property: {properties[0]} is Keystone's own, and cannot hold a VO; name another property")
    return properties[0]


def plan_properties(identity: Identity, mapping: VoMapping, properties: Sequence[str], *, force: bool = False) -> list[Change]:
    """The VO of every project of the mapping.

    A project that has another VO, in whichever of ``properties``, is left alone unless ``force``.
    """
    key = property_to_write(properties)
    found = identity.projects_named(mapping.vo_of)
    planned = [_property(row, mapping.find(row) or "", key, properties, force=force) for row in found.projects]
    return [
        *planned,
        *(
            Change(text, "-", key, mapping.vo_of[text], State.MISSING, why)
            for text, why in {**found.missing, **found.unreadable}.items()
        ),
    ]


def _property(row: ProjectRow, vo: str, key: str, properties: Sequence[str], *, force: bool) -> Change:
    held = with_vo(row, properties, VoMapping())
    change = Change(row.name, row.id, key, vo, State.DUE, row=row)
    if held.vo == vo:
        return dataclasses.replace(change, state=State.THERE, why=held.vo_source or "")
    unread = (row.model_extra or {}).get(key)
    if unread is not None and not isinstance(unread, str) and not force:
        return dataclasses.replace(change, state=State.CONFLICT, why=f"property {key} holds {unread!r}; --force replaces it")
    if held.vo and not force:
        return dataclasses.replace(change, state=State.CONFLICT, why=f"{held.vo_source} says {held.vo}; --force replaces it")
    return dataclasses.replace(change, why=f"in place of {held.vo}") if held.vo else change


def plan_tags(identity: Identity, wanted: Sequence[str], tag: str) -> list[Change]:
    """The tag of every project that is named."""
    found = identity.projects_named(wanted)
    planned = [
        Change(row.name, row.id, TAG, tag, State.THERE if tag in row.tags else State.DUE, row=row, is_tag=True)
        for row in found.projects
    ]
    return [
        *planned,
        *(Change(text, "-", TAG, tag, State.MISSING, why) for text, why in {**found.missing, **found.unreadable}.items()),
    ]


def carry_out(identity: Identity, changes: Sequence[Change]) -> Iterator[Change]:
    """Make the changes that are due; one that fails leaves the others."""
    for change in changes:
        if change.state is not State.DUE or change.row is None:
            yield change
            continue
        try:
            if change.is_tag:
                identity.add_tag(change.row, change.value)
            else:
                identity.set_property(change.row, change.key, change.value)
        except SourceError as exc:
            yield dataclasses.replace(change, state=State.FAILED, why=str(exc))
        else:
            yield dataclasses.replace(change, state=State.DONE)
