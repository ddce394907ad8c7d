"""Which projects are accounted for, and for which virtual organisation (VO)."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from caso.errors import ConfigError

if TYPE_CHECKING:
    from caso.sources import Identity, ProjectRow

LOG = logging.getLogger(__name__)

VO_PROPERTIES = ("accounting:VO", "egi.VO", "egi.eu:VO", "VO")
"""Keystone properties that name the VO: cASO's documents, EGI's agreement, EGI's catch-all, cASO's code."""


@dataclasses.dataclass(frozen=True)
class Project:
    """A project to account for. ``vo_source`` says where the VO was found; without a VO nothing can be booked."""

    id: str
    name: str
    vo: str | None
    vo_source: str | None
    enabled: bool = True


@dataclasses.dataclass(frozen=True)
class Projects:
    """The projects to account for, each once; ``missing`` maps what was asked for in vain to a sentence that says why.

    ``whole`` is False where one of them cannot be read: it is missing, and not gone.
    """

    found: tuple[Project, ...]
    missing: Mapping[str, str] = dataclasses.field(default_factory=dict)
    whole: bool = True
    empty: str | None = None
    """Why there is no project at all; a misspelled tag must not look like a cloud that uses nothing."""


@dataclasses.dataclass(frozen=True)
class VoMapping:
    """A file like voms.json: the VO of projects by their id or name."""

    path: Path | None = None
    vo_of: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, *, required: bool = False) -> Self:
        """The mapping of a file; an absent one maps nothing, unless it is ``required`` (was named by the operator)."""
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError as exc:
            if required:
                raise ConfigError(f"mapping_file: {path} is not there; correct the option or leave it out") from exc
            return cls()
        except UnicodeDecodeError as exc:
            raise ConfigError(f"mapping_file: cannot read {path}: {exc}; save it as a text file in UTF-8") from exc
        except OSError as exc:
            raise ConfigError(f"mapping_file: cannot read {path}: {exc}") from exc
        return cls(path, _parse(text, path))

    def find(self, project: ProjectRow) -> str | None:
        return self.vo_of.get(project.id) or self.vo_of.get(project.name)


def find_projects(
    identity: Identity,
    *,
    wanted: Sequence[str] = (),
    tag: str | None = "caso",
    properties: Sequence[str] = VO_PROPERTIES,
    mapping: VoMapping | None = None,
) -> Projects:
    """The projects with these ids or names, and those that carry ``tag``, each once."""
    answers = [*([identity.projects_named(wanted)] if wanted else []), *([identity.projects_with_tag(tag)] if tag else [])]
    rows = {row.id: row for answer in answers for row in answer.projects}
    found = tuple(with_vo(row, properties, mapping or VoMapping()) for row in rows.values())
    missing = {name: why for answer in answers for name, why in answer.missing.items()}
    unreadable = {name: why for answer in answers for name, why in answer.unreadable.items()}
    return Projects(found, missing | unreadable, not unreadable, None if found or missing or unreadable else _nothing_found(tag))


def _nothing_found(tag: str | None) -> str:
    asked = f"Keystone shows this user none with the tag {tag!r}" if tag else "caso_tag is empty"
    return f"no project is accounted for: {asked}, and none is named in projects; set the tag, or correct caso_tag or projects"


def with_vo(row: ProjectRow, properties: Iterable[str], mapping: VoMapping) -> Project:
    """The project with its VO: the first property that has one decides, then the mapping file.

    >>> from caso.sources import ProjectRow
    >>> row = ProjectRow.model_validate({"id": "1", "name": "p", "egi.VO": "ops.vo"})
    >>> with_vo(row, VO_PROPERTIES, VoMapping(vo_of={"p": "other"})).vo
    'ops.vo'
    """
    for name in properties:
        vo = row.property(name)
        if vo:
            return Project(row.id, row.name, vo, f"property {name}", row.enabled)
    vo = mapping.find(row)
    return Project(row.id, row.name, vo, str(mapping.path) if vo else None, row.enabled)


def _parse(text: str, path: Path) -> dict[str, str]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as exc:
        raise ConfigError(f"{path}, line {exc.lineno}: this is no JSON: {exc.msg}") from exc
    if not isinstance(content, dict):
        raise ConfigError(f'{path}, line 1: it has to be an object like {{"ops.vo": {{"projects": ["project-id"]}}}}')
    vo_of: dict[str, str] = {}
    for vo, entry in content.items():
        for project in _projects_of(vo, entry, text, path):
            if vo_of.get(project, vo) != vo:
                LOG.warning("%s: project %s is given to %s and %s; the last one counts", path, project, vo_of[project], vo)
            vo_of[project] = vo
    return vo_of


def _projects_of(vo: str, entry: Any, text: str, path: Path) -> list[str]:
    """The ids or names under a VO: ``projects``, or ``tenants`` and ``tenant`` of older files."""
    found: list[Any] = []
    values = [entry.get(key) for key in ("projects", "tenants", "tenant")] if isinstance(entry, dict) else [0]
    for value in values:
        found += value if isinstance(value, list) else [] if value is None else [value]
    misspelled = isinstance(entry, dict) and entry and all(value is None for value in values)
    if misspelled or not all(isinstance(project, str) and project for project in found):
        line = text[: max(0, text.find(json.dumps(vo, ensure_ascii=False)))].count("\n") + 1
        raise ConfigError(f'{path}, line {line}: {vo} needs {{"projects": [ids or names]}}')
    return found
