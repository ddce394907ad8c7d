"""A site that has nothing but a message bus, and caso-collect on it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from caso.records import BUILT_IN
from caso.store import Store, open_store
from caso.store.schema import entities, events
from tests.surroundings import environ

QUEUE = "caso.info"
CLEAN = environ()


class Site:
    """A folder with a configuration and a store; commands are processes of their own."""

    def __init__(self, folder: Path, url: str, **options: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.conf = folder / "caso.conf"
        self._said = folder / "said"
        self.configure(url, **options)

    def configure(self, url: str, **options: Any) -> None:
        lines = [f"{name} = {value}" for name, value in {"transport_url": url, "region_name": "RegionOne", **options}.items()]
        self.conf.write_text(
            f"[DEFAULT]\nsite_name = SITE\nspooldir = {self.folder}\nmapping_file =\n[notifications]\n" + "\n".join(lines) + "\n"
        )

    def command(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).with_name("caso-collect")), "--config-file", str(self.conf), *arguments]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A process of which ``said`` tells, while it runs and after."""
        with self._said.open("w") as said:
            return subprocess.Popen(self.command(*arguments), env=CLEAN, cwd=self.folder, stdout=said, stderr=said, text=True)

    def said(self) -> str:
        """What the process that was started last has printed so far."""
        return self._said.read_text()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), env=CLEAN, cwd=self.folder, capture_output=True, text=True, timeout=300, check=False
        )

    @property
    def connection(self) -> str:
        return f"sqlite:///{self.folder}/caso.sqlite"

    def store(self) -> Store:
        return open_store(self.connection, kinds={cls.kind: cls for cls in BUILT_IN}, lastrun_dir=self.folder)

    def rows(self) -> dict[str, tuple[Any, ...]]:
        """All that the store holds of each entity, by its id."""
        with self.store() as store, store.database.read() as connection:
            rows = connection.execute(entities.select()).mappings().all()
        return {row["id"]: tuple(sorted((name, str(value)) for name, value in row.items())) for row in rows}

    def messages(self) -> dict[str, str]:
        """The fate of each message that was taken, by its id."""
        with self.store() as store, store.database.read() as connection:
            rows = connection.execute(events.select()).mappings().all()
        assert len({row["id"] for row in rows}) == len(rows)
        return {row["id"]: row["state"] for row in rows}
