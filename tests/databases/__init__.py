"""Real database servers for tests: PostgreSQL and MariaDB, each started once per session, thrown away at its end."""

from __future__ import annotations

from tests.databases.mariadb import MariaDB
from tests.databases.postgresql import PostgreSQL
from tests.databases.server import Server

SERVERS: dict[str, type[Server]] = {"postgresql": PostgreSQL, "mariadb": MariaDB}
PACKAGES = {"postgresql": "postgresql", "mariadb": "mariadb-server"}
"""The Debian package of each."""

__all__ = ["PACKAGES", "SERVERS", "Server"]
