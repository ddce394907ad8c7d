"""Secrets that services put into their notifications: taken out before anything is kept."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

HIDDEN = "***"

# Nova's scheduler.select_destinations carries the token of a user deep inside; a user's metadata may hold anything.
_WORDS = r"token|passw|passphrase|admin_?pass|secret|user_?data|private_?key|api_?key|credential"
_SECRET = re.compile(rf"{_WORDS}|^pass$", re.IGNORECASE)
_CONTEXT = "_context"

# "name": "value", name = value, and both inside a JSON text that is quoted in another one; where the value is an
# object or a list, all that follows: nobody knows where that ends in a text that is broken.
_IN_TEXT = re.compile(
    rf"""((?:{_WORDS}|{_CONTEXT})[\w.-]{{0,64}}\\{{0,9}}["']?\s{{0,9}}[:=]\s{{0,9}})"""
    r"""(?:[\[{].*|(\\{0,9})"(?:(?!\2").)*(?:\2"|$)|'[^']*(?:'|$)|[^\s,}\]]+)""",
    re.IGNORECASE | re.DOTALL,
)
_FERNET = re.compile(r"gAAAAA[\w-]{20,}=*")
_LOGIN = re.compile(r"://[^/\s\"']*@")


def without_secrets(value: Any) -> Any:
    """A copy of what JSON said, without what only the request was about, and with each secret value hidden.

    >>> without_secrets({"_context_auth_token": "a", "server": {"adminPass": "b", "name": "c"}})
    {'server': {'adminPass': '***', 'name': 'c'}}
    """
    if isinstance(value, dict):
        return {key: _told(key, inner) for key, inner in value.items() if not key.startswith(_CONTEXT)}
    if isinstance(value, list):
        return [without_secrets(inner) for inner in value]
    return value


def _told(name: str, value: Any) -> Any:
    if value and _is_secret(name):
        return HIDDEN
    return without_secrets(value) if isinstance(value, dict | list) else value


@lru_cache(4096)
def _is_secret(name: str) -> bool:
    """Services have some hundred names for all that they tell, and use them in each message."""
    return _SECRET.search(name) is not None


def text_without_secrets(text: str) -> str:
    """The same for a text that is no JSON, or broken: what looks like a secret is hidden, and what is like it.

    >>> text_without_secrets('{"_context_auth_token": "gAAA", "name": "c"')
    '{"_context_auth_token": ***, "name": "c"'
    """
    return _LOGIN.sub("://", _FERNET.sub(HIDDEN, _IN_TEXT.sub(rf"\1{HIDDEN}", text)))
