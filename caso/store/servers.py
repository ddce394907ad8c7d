"""All that is of database servers, PostgreSQL and MariaDB: how a connection is set up, and who may change the tables.

What their errors ask for: :mod:`caso.store.advice`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from caso.errors import StoreError
from caso.store.names import shown

BUSY_SECONDS = 60
"""How long a writer waits for its turn."""

DRIVERS = {"postgresql": "psycopg", "mariadb": "pymysql"}
"""The one driver of each, whose errors caso knows; an extra of caso, by the database's name, brings it."""

CONNECT_ARGS: Mapping[str, Mapping[str, Any]] = {
    # A host that is gone without a word is noticed within about a minute, not in hours.
    "postgresql": {
        "connect_timeout": 10,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 60_000,
    },
    # read_timeout is longer than any statement takes, a migration's included.
    "mariadb": {"connect_timeout": 10, "read_timeout": 3600, "write_timeout": 600, "charset": "utf8mb4"},
}
"""What the URL does not say otherwise."""

SESSION = {
    "postgresql": f"SET lock_timeout = '{BUSY_SECONDS}s'",
    # Some servers are set up to cut what is too long, or to keep tables that know no transactions.
    "mariadb": "SET SESSION sql_mode = 'TRADITIONAL', default_storage_engine = InnoDB, "
    f"innodb_lock_wait_timeout = {BUSY_SECONDS}",
}

_TAKE = {
    "postgresql": "SELECT true FROM (SELECT pg_advisory_lock(1667331951)) AS taken",
    "mariadb": f"SELECT GET_LOCK(CONCAT('caso ', DATABASE()), {BUSY_SECONDS})",
}
_LEAVE = {
    "postgresql": "SELECT pg_advisory_unlock(1667331951)",
    "mariadb": "SELECT RELEASE_LOCK(CONCAT('caso ', DATABASE()))",
}


def engine_of(url: URL) -> Engine:
    """Nothing is opened yet. StoreError where the URL names another database, or the driver is not installed."""
    base = "mariadb" if url.get_backend_name() == "mysql" else url.get_backend_name()
    name = shown(url)
    if base not in DRIVERS:
        raise StoreError(f"store {name}: caso keeps its store in SQLite, PostgreSQL or MariaDB, and not in {base}")
    if url.drivername.partition("+")[2] not in ("", DRIVERS[base]):
        raise StoreError(f"store {name}: caso speaks with {base} by {DRIVERS[base]}; write {base}:// and no other driver")
    arguments = {name: value for name, value in CONNECT_ARGS[base].items() if name not in url.query}
    try:
        # Under this name SQLAlchemy refuses MySQL, which lacks the collation that compares keys by their bytes.
        engine = create_engine(
            url.set(drivername=f"{base}+{DRIVERS[base]}"),
            connect_args=arguments,
            pool_pre_ping=True,
            # What is read is of one moment, as in a file.
            isolation_level="REPEATABLE READ",
        )
    except ImportError as exc:
        raise StoreError(
            f"store {name}: its driver {DRIVERS[base]} is not installed ({exc}); install it beside caso: "
            f"pip install 'caso[{base}]'"
        ) from exc
    except (SQLAlchemyError, TypeError, ValueError) as exc:
        raise StoreError(f"store {name}: {exc}; see [store] connection") from exc
    event.listen(engine, "do_connect", _connect)
    return engine


def writers_of(engine: Engine) -> Engine:
    """The same connections, for transactions that write.

    PostgreSQL would have them build on what was there before they waited for their turn; MariaDB looks once it is theirs.
    """
    return engine.execution_options(isolation_level="READ COMMITTED") if engine.dialect.name == "postgresql" else engine


@contextmanager
def alone(engine: Engine) -> Iterator[None]:
    """While the block runs, no other process makes or changes the tables; it waits for one that does."""
    base = engine.dialect.name
    # On a connection of its own: MariaDB ends a transaction where a table is made.
    with engine.connect() as connection:
        if not connection.exec_driver_sql(_TAKE[base]).scalar():
            raise StoreError(
                f"store {shown(engine.url)}: another process has been making or changing "
                f"the tables for more than {BUSY_SECONDS} s: see which, and run again"
            )
        try:
            yield
        finally:
            connection.exec_driver_sql(_LEAVE[base])


def read_in_order(connection: Connection) -> None:
    """Have what is asked next in this transaction read in the order of an index, as far as it is wanted.

    PostgreSQL does not know how what lives, and for how long, hangs together with when it was made. It takes such for few,
    and reads all of them for each page, to sort them: of 13,000 lives of a month that were 86,000 rows.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")


def require_utf8(connection: Connection) -> None:
    """StoreError where the database cannot hold every name."""
    if connection.dialect.name == "postgresql":
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
        if encoding != "UTF8":
            raise StoreError(f"its encoding is {encoding}; make the database anew, with ENCODING 'UTF8' TEMPLATE template0")


def _connect(dialect: Any, _record: object, arguments: Any, words: Any) -> Any:
    try:
        connection = dialect.connect(*arguments, **words)
    except TypeError as exc:
        raise StoreError(f"[store] connection has a parameter that its driver does not know: {exc}") from exc
    with connection.cursor() as cursor:
        cursor.execute(SESSION[dialect.name])
    connection.commit()
    return connection
