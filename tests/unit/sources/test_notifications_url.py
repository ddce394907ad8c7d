"""Transport URLs: those that OpenStack's services have, and errors that never repeat a password."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from caso.errors import ConfigError
from caso.sources.notifications import Inbox
from caso.sources.notifications_url import Address, BrokerUrl

ONE = Address("one", 5672, "caso", "word")


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("rabbit://caso:word@one:5672//", BrokerUrl((ONE,))),
        ("rabbit://caso:word@one:5672/", BrokerUrl((ONE,))),
        ("rabbit://caso:word@one", BrokerUrl((ONE,))),
        ("amqp://caso:word@one/cloud", BrokerUrl((ONE,), "cloud")),
        ("amqp://caso:word@one/%2Fcloud", BrokerUrl((ONE,), "/cloud")),
        ("kombu://one", BrokerUrl((Address("one", 5672),))),
        ("rabbit://ca%40so:w%2F%3Ard@one", BrokerUrl((Address("one", 5672, "ca@so", "w/:rd"),))),
        ("rabbit://caso:w@:rd@one", BrokerUrl((Address("one", 5672, "caso", "w@:rd"),))),
        ("rabbit://caso:word@[fe80::1]:5673/", BrokerUrl((Address("fe80::1", 5673, "caso", "word"),))),
        ("rabbit://caso:word@one:5672,you:other@two:1/v", BrokerUrl((ONE, Address("two", 1, "you", "other")), "v")),
        ("rabbit://caso:word@one,two/v?rabbit_quorum_queue=true", BrokerUrl((ONE, Address("two", 5672, "caso", "word")), "v")),
        ("rabbit+ssl://caso:word@one/", BrokerUrl((Address("one", 5671, "caso", "word"),), tls={})),
        ("amqps://caso:word@one:5672/", BrokerUrl((ONE,), tls={})),
        ("rabbit://caso:word@one:5672/?ssl=1", BrokerUrl((ONE,), tls={})),
        (f"rabbit://caso:word@one:5672/?ssl=True&ssl_ca_file={__file__}", BrokerUrl((ONE,), tls={"ca_file": __file__})),
    ],
)
def test_a_url_is_read_as_oslo_messaging_and_kombu_do(url: str, read: BrokerUrl):
    assert BrokerUrl.parse(url) == read


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("", "it does not begin with rabbit:// or amqp://"),
        ("caso:hidden@one:5672", "it does not begin with rabbit:// or amqp://"),
        ("http://caso:hidden@one:5672", "it does not begin with rabbit:// or amqp://"),
        ("rabbit://", "it names no host"),
        ("rabbit://caso:hidden@", "a host, or its port, is none"),
        ("rabbit://caso:hidden@one:port/", "a host, or its port, is none"),
        ("rabbit://caso:hid/den@one:5672/", "a host, or its port, is none"),
        ("rabbit://caso:hid#den@one:5672/", "there is a # in it"),
        ("rabbit://caso:hidden@one:70000/", "a port is none"),
        ("rabbit://caso:hidden@[one:5672/", "an address in brackets is none"),
        ("rabbit+ssl://caso:hidden@one/?ssl_ca_file=/no/such/file", "there is no file /no/such/file for ssl_ca_file"),
    ],
)
def test_a_bad_url_is_told_without_a_word_of_it(url: str, complaint: str):
    with pytest.raises(ConfigError) as told:
        Inbox([url], ["caso.info"])

    assert str(told.value).startswith(f"[notifications] transport_url: {complaint}")
    assert "hid" not in str(told.value)
    assert told.value.__cause__ is None


def test_a_password_is_in_no_representation():
    url = BrokerUrl.parse("rabbit://caso:hidden@one,two/cloud")

    assert "hidden" not in f"{url} {url!r}"
    assert str(url) == "one:5672,two:5672/cloud"


WITHOUT = """\
import sys
sys.modules["kombu"] = None
import caso.sources, caso.sources.messages
from caso.errors import ConfigError
from caso.sources.notifications import Inbox
try:
    Inbox(["rabbit://one"], ["caso.info"])
except ConfigError as exc:
    print(exc)
"""


def test_without_kombu_it_is_said_how_to_get_it():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]
    )

    assert done.stdout.endswith("needs kombu, which is not installed: pip install 'caso[notifications]'\n")


def test_kombu_is_imported_by_who_needs_it_only():
    looked = "import sys, caso.sources.notifications, caso.sources.messages; print('kombu' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", looked], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]
    )

    assert done.stdout == "False\n"
