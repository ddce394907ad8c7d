"""Who may ask caso-api, and for what."""

import pytest

from caso.api.access import ALL, Caller, PrivateKey
from caso.errors import ConfigError


def asking(key: str | None = None) -> dict[str, str]:
    """The WSGI environment of a request with this X-Auth-Token, as a server makes it."""
    return {} if key is None else {"HTTP_X_AUTH_TOKEN": key.encode().decode("latin-1")}


@pytest.mark.parametrize("key", ["k", "a long random text", "schlüssel-ключ"])
def test_who_has_the_key_may_do_everything(key):
    caller = PrivateKey(key).caller(asking(key))

    assert caller == ALL
    assert caller.may_read("p")
    assert caller.may_read(None)
    assert caller.may_write()


@pytest.mark.parametrize("sent", [None, "", "ke", "keyy", "KEY", " key", "schlüssel"])
def test_who_has_another_key_or_none_is_nobody(sent):
    assert PrivateKey("key").caller(asking(sent)) is None


@pytest.mark.parametrize("key", [None, "", "secret"])
def test_a_key_that_everybody_knows_is_refused_before_any_work(key):
    with pytest.raises(ConfigError, match=r"\[auth\] private_key.*set it to a long random text"):
        PrivateKey(key)


@pytest.mark.parametrize(
    ("caller", "own", "other", "nobodys", "writes"),
    [
        (ALL, True, True, True, True),
        (Caller(project_id="p"), True, False, True, False),
        (Caller(), False, False, False, False),
    ],
)
def test_a_caller_may(caller, own, other, nobodys, writes):
    may = (caller.may_read("p"), caller.may_read("q"), caller.may_read(None), caller.may_write())

    assert may == (own, other, nobodys, writes)
