"""What a person is to do about a database server that cannot be reached, by its own words."""

import pytest
from sqlalchemy import make_url

from caso.store import advice
from caso.store.names import shown


class OperationalError(Exception):
    """As psycopg raises it where the connection was never made: without a code."""


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("the database system is starting up", advice.GONE),
        ("the database system is shutting down", advice.GONE),
        ("the database system is in recovery mode", advice.GONE),
        ('too many connections for role "caso"', advice.CROWDED),
        ('too many connections for database "caso"', advice.CROWDED),
        ("remaining connection slots are reserved for non-replication superuser connections", advice.CROWDED),
        ('password authentication failed for user "caso"', advice.LOGIN),
        ('role "caso" does not exist', advice.LOGIN),
        ('database "caso" does not exist', advice.MAKE),
        ("Connection refused", advice.GONE),
    ],
)
def test_what_a_server_says_before_there_is_a_connection_has_its_own_advice(words, wanted):
    assert advice.of_server(OperationalError(f"connection failed: FATAL:  {words}"))[1] == wanted


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://caso:hunter2@db/caso",
        "postgresql+psycopg://db/caso?user=caso&password=hunter2",
        "mariadb+pymysql://caso@db/caso?ssl_key_password=hunter2",
    ],
)
def test_no_message_shows_a_password_of_the_url(url):
    assert "hunter2" not in shown(make_url(url))
    assert "db/caso" in shown(make_url(url))
