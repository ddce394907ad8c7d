"""caso-projects: the projects that are accounted for, their VOs, and how far each is extracted."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from oslo_config import cfg

from caso.cli.base import command

PROG = "caso-projects"


def main(argv: Sequence[str] | None = None) -> int:
    return command(PROG, _projects, argv)


def _projects(conf: cfg.ConfigOpts) -> int:
    from caso import wiring
    from caso.cli import documents

    cloud, projects = wiring.accounted_projects(conf)
    with wiring.open_store_to_read(conf) as store:
        marks = [mark for mark in store.checkpoints.all() if mark.scope.cloud == cloud]
        now, kept = datetime.now(UTC), wiring.deleted_kept(conf)
        if conf.json:
            documents.write(documents.project(project, marks, conf.extractor, now, kept) for project in projects.found)
        else:
            from caso.cli import screen

            screen.projects(projects.found, marks, conf.extractor, now, screen.console(), kept)
    for why in projects.missing.values():
        print(f"{PROG}: {why}", file=sys.stderr)
    if projects.empty:
        print(f"{PROG}: {projects.empty}", file=sys.stderr)
    return 1 if projects.missing or projects.empty or not all(project.vo for project in projects.found) else 0
