"""caso-mapping-migrate: the VOs of the mapping file, written to the projects in Keystone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from caso.cli.base import command
from caso.config import Configuration
from caso.errors import ConfigError
from caso.projects import VoMapping

if TYPE_CHECKING:
    from caso.migrating import Change
    from caso.sources import Identity

PROG = "caso-mapping-migrate"


def main(argv: Sequence[str] | None = None) -> int:
    return command(PROG, _migrate, argv)


def _migrate(conf: Configuration) -> int:
    from caso.migrating import State, carry_out
    from caso.sources import Sources
    from caso.sources.credentials import access_from_conf

    # Not a dry_run = false of the file, nor one of a container's environment: they were written for caso-extract.
    really = conf.typed("dry_run") and not conf.dry_run
    identity = Sources(access_from_conf(conf, os_cloud=conf.os_cloud, interface=conf.interface)).identity
    changes = _planned(conf, identity)
    done = list(carry_out(identity, changes)) if really else changes
    _print(done)
    if any(change.state is State.DUE for change in done):
        print(
            f"{PROG}: nothing was changed; --no-dry-run makes these changes, as a user that may change projects", file=sys.stderr
        )
    return 1 if any(change.state.left for change in done) else 0


def _planned(conf: Configuration, identity: Identity) -> list[Change]:
    from caso.migrating import plan_properties, plan_tags

    if not conf.mapping_file and not conf.migrate_projects:
        raise ConfigError("mapping_file is empty; name the file that the VOs are in")
    mapping = VoMapping.read(Path(conf.mapping_file), required=not conf.migrate_projects) if conf.mapping_file else VoMapping()
    planned = plan_properties(identity, mapping, conf.vo_property, force=conf.force)
    if not conf.migrate_projects:
        return planned
    if not conf.caso_tag:
        raise ConfigError("caso_tag is empty; name the tag that the projects are to get")
    return [*planned, *plan_tags(identity, conf.projects, conf.caso_tag)]


def _print(changes: Sequence[Change]) -> None:
    """A row for each change: the project, what it is to have, and what became of it."""
    from rich.text import Text

    from caso.cli import screen

    table = screen.light_table()
    for column in ("Project", "Id", "Property", "Value", "State", "Why"):
        table.add_column(column, overflow="fold")
    for change in changes:
        state = Text(change.state.value, style="red" if change.state.left else "")
        cells = map(screen.plain, (change.project, change.project_id, change.key, change.value))
        table.add_row(*cells, state, screen.plain(change.why or "-"))
    screen.console().print(table)
