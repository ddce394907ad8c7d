"""cASO's ``lastrun.<project>`` files: read once, when the store is made; written where a site wants to be able to go back."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, insert

from caso.errors import ConfigError, StoreError
from caso.store.checkpoints import Checkpoint
from caso.store.names import Scope
from caso.store.schema import legacy_checkpoints
from caso.window import parse_instant

PREFIX = "lastrun."
MODE = 0o600
STEP = timedelta(seconds=1)
"""cASO 5.2 goes on a second after the time in the file; without it, what changed in that second would be skipped."""


def read_lastrun(directory: Path) -> dict[str, datetime]:
    """Until when cASO extracted each project, by its id or name, as the file's name has it.

    A file that tells no date is a ConfigError: to take it for none would start its project anew.
    """
    try:
        return {file.name.removeprefix(PREFIX): _read(file) for file in _files(directory)}
    except OSError as exc:
        raise ConfigError(f"cannot look for cASO's lastrun files in {directory}: {exc}") from exc


def _files(directory: Path) -> list[Path]:
    return sorted(file for file in directory.glob(f"{PREFIX}?*") if file.is_file())


def _read(file: Path) -> datetime:
    try:
        text = file.read_text(encoding="utf-8").strip()
        if not text:
            raise ConfigError(f"{file} is empty")
        instant = parse_instant(text, str(file))
        if instant > datetime.now(UTC):
            # Nothing would be extracted until then, and nobody would notice.
            raise ConfigError(f"{file} says {text}, which lies in the future")
        return instant
    except (ConfigError, OSError, ValueError) as exc:
        raise ConfigError(
            f"cannot take over when cASO last extracted this project: {exc}. Write the date of its last good run into {file} "
            "(like 2024-02-01T00:00:00), or remove the file to account for the project as for a new one; no store was made"
        ) from exc


def take_over(connection: Connection, directory: Path | None) -> None:
    found = read_lastrun(directory) if directory else {}
    if found:
        connection.execute(insert(legacy_checkpoints), [{"project": project, "until": until} for project, until in found.items()])


def lastrun_marks(
    checkpoints: Iterable[Checkpoint],
    scopes: Iterable[Scope],
    names: Mapping[str, str],
    listed: Collection[str] = (),
    present: Collection[str] = (),
) -> dict[str, datetime]:
    """What cASO's files have to say so that it could go on: by the part of their names after ``lastrun.``, until when.

    cASO has one mark for a project, so it is the earliest of all its ``scopes``; a project of
    which one of them has no checkpoint, or only a retired one, is left as it is. ``names`` maps ids to names. A
    project has a file by its id, and one by its name where the operator ``listed`` it so or one is ``present``.
    """
    until = {checkpoint.scope: checkpoint.until for checkpoint in checkpoints if checkpoint.retired is None}
    of_project: dict[str, list[datetime | None]] = {}
    for scope in scopes:
        of_project.setdefault(scope.project_id, []).append(until.get(scope))
    marks: dict[str, datetime] = {}
    for project_id, ends in of_project.items():
        known = [end for end in ends if end is not None]
        if len(known) == len(ends):
            name = names.get(project_id)
            # A slash is in no file's name: cASO, too, kept no mark of such a project by its name.
            by_name = name and "/" not in name and (name in listed or name in present)
            marks |= dict.fromkeys([project_id, name] if name and by_name else [project_id], min(known))
    return marks


def names_of_lastrun(directory: Path) -> frozenset[str]:
    """The projects that there are files of, as their names have it; none where the directory cannot be read."""
    try:
        return frozenset(file.name.removeprefix(PREFIX) for file in _files(directory))
    except OSError:
        return frozenset()


def write_lastrun(directory: Path, until: Mapping[str, datetime]) -> None:
    """Bring cASO's files up to date, each as a whole or not at all; none ever goes back.

    StoreError names those that cannot be written, after all others are.
    """
    failed = []
    for project, instant in until.items():
        try:
            _bring_up(directory / f"{PREFIX}{project}", instant - STEP)
        except (OSError, ValueError) as exc:
            failed.append(f"{PREFIX}{project}: {exc}")
    if failed:
        raise StoreError(
            f"cannot write cASO's files in {directory}: {'; '.join(failed)}; let this user write there, or set write_lastrun "
            "to false; caso itself does not need them, and nothing is lost"
        )


def _bring_up(file: Path, instant: datetime) -> None:
    with contextlib.suppress(ConfigError, FileNotFoundError):
        # One that tells no date stops cASO: it is mended.
        if _read(file) >= instant:
            return
    _replace(file, f"{instant.replace(tzinfo=None, microsecond=0).isoformat()}\n")


def _replace(file: Path, text: str) -> None:
    """Write a file so that after a crash there is the old one or the new one."""
    handle, name = tempfile.mkstemp(prefix=f".{PREFIX}", dir=file.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as temporary:
            temporary.write(text)
            temporary.flush()
            os.fsync(handle)
        Path(name).chmod(_mode(file))
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _mode(file: Path) -> int:
    """That of the file that is replaced: cASO may run as another user of the group."""
    try:
        return file.stat().st_mode & 0o777
    except FileNotFoundError:
        return MODE
