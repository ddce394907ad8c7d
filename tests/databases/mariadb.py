"""MariaDB, from Debian's package."""

from __future__ import annotations

import contextlib

from sqlalchemy import URL, text
from sqlalchemy.exc import OperationalError

from tests.databases.server import PASSWORD, USER, Server

HURRIED = (
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=16M",
    "--skip-log-bin",
    "--skip-name-resolve",
)
"""What is lost with the machine is only a test's."""


class MariaDB(Server):
    drivername = "mariadb"
    dies_of = "KILL"

    def prepare(self) -> None:
        self.run(
            *("mariadb-install-db", "--no-defaults", f"--datadir={self.folder / 'data'}", "--skip-test-db"),
            *("--auth-root-authentication-method=normal", *HURRIED),
        )

    @property
    def command(self) -> list[str]:
        # No defaults: the collation is MariaDB's own, in which "a" is "A".
        return [
            *("/usr/sbin/mariadbd", "--no-defaults", f"--datadir={self.folder / 'data'}", f"--socket={self.folder / 'socket'}"),
            *("--bind-address=127.0.0.1", f"--port={self.port}", f"--pid-file={self.folder / 'pid'}", *HURRIED),
        ]

    @property
    def admin_url(self) -> URL:
        return URL.create("mariadb+pymysql", "root", query={"unix_socket": str(self.folder / "socket")})

    @property
    def grants(self) -> tuple[str, ...]:
        return (f"CREATE USER {USER}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'",)

    def create(self, name: str) -> None:
        self.tell(f"CREATE DATABASE {name}", f"GRANT ALL PRIVILEGES ON {name}.* TO {USER}@'127.0.0.1'")

    def cut_off(self, url: str) -> None:
        with self.admin.connect() as connection:
            of_it = text("SELECT id FROM information_schema.processlist WHERE db = :name")
            for number in connection.scalars(of_it, {"name": url.rpartition("/")[2]}).all():
                # It may have gone by itself meanwhile.
                with contextlib.suppress(OperationalError):
                    connection.execute(text(f"KILL {number}"))

    def drop(self, name: str) -> None:
        self.cut_off(name)
        self.tell(f"DROP DATABASE {name}")
