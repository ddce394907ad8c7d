"""PostgreSQL, from Debian's package."""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlalchemy import URL

from tests.databases.server import PASSWORD, USER, Server

HURRIED = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB", "max_wal_size=256MB")
"""What is lost with the machine is only a test's."""


class PostgreSQL(Server):
    drivername = "postgresql"
    dies_of = "QUIT"

    def prepare(self) -> None:
        word = self.folder / "word"
        word.write_text("admin")
        word.chmod(0o644)
        # As many a server is set up: strings sort by the words of a language, not by their bytes.
        self.run(
            program("initdb"),
            *(f"--pgdata={self.folder / 'data'}", "--username=admin", f"--pwfile={word}", "--auth=scram-sha-256"),
            *("--encoding=UTF8", "--locale-provider=icu", "--icu-locale=en-US", "--locale=C", "--no-sync"),
        )

    @property
    def command(self) -> list[str]:
        options = [f"-c{option}" for option in (*HURRIED, f"unix_socket_directories={self.folder}")]
        return [program("postgres"), f"-D{self.folder / 'data'}", "-h127.0.0.1", f"-p{self.port}", *options]

    @property
    def admin_url(self) -> URL:
        return URL.create("postgresql+psycopg", "admin", "admin", "127.0.0.1", self.port, "postgres")

    @property
    def grants(self) -> tuple[str, ...]:
        return (f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'",)

    def create(self, name: str) -> None:
        self.tell(f"CREATE DATABASE {name} OWNER {USER} TEMPLATE template0 ENCODING 'UTF8'")

    def cut_off(self, url: str) -> None:
        self.tell(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{url.rpartition('/')[2]}'")

    def drop(self, name: str) -> None:
        self.tell(f"DROP DATABASE {name} WITH (FORCE)")


def program(name: str) -> str:
    """Debian keeps those of the server beside each other's versions, and off the PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    found = shutil.which(name, path=str(versions[-1])) if versions else shutil.which(name)
    if found is None:
        raise RuntimeError(f"there is no {name}: install PostgreSQL's server")
    return found
