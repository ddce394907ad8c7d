"""cASO's ``lastrun.<project>`` files, read once: when the store is made."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, insert

from caso.errors import ConfigError
from caso.store.schema import legacy_checkpoints
from caso.window import parse_instant

PREFIX = "lastrun."


def read_lastrun(directory: Path) -> dict[str, datetime]:
    """Until when cASO extracted each project, by its id or name, as the file's name has it.

    A file that tells no date is a ConfigError: to take it for none would start its project anew.
    """
    try:
        files = sorted(file for file in directory.glob(f"{PREFIX}?*") if file.is_file())
    except OSError as exc:
        raise ConfigError(f"cannot look for cASO's lastrun files in {directory}: {exc}") from exc
    return {file.name.removeprefix(PREFIX): _read(file) for file in files}


def _read(file: Path) -> datetime:
    try:
        text = file.read_text(encoding="utf-8").strip()
        if not text:
            raise ConfigError(f"{file} is empty")
        return parse_instant(text, str(file))
    except (ConfigError, OSError, ValueError) as exc:
        raise ConfigError(
            f"cannot take over when cASO last extracted this project: {exc}. Write the date of its last good run into {file} "
            "(like 2024-02-01T00:00:00), or remove the file to account for the project as for a new one; no store was made"
        ) from exc


def take_over(connection: Connection, directory: Path | None) -> None:
    found = read_lastrun(directory) if directory else {}
    if found:
        connection.execute(insert(legacy_checkpoints), [{"project": project, "until": until} for project, until in found.items()])
