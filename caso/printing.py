"""Foreign words, where people read them."""

from __future__ import annotations

import re


def printable(text: str) -> str:
    r"""Text from the cloud's users without what a terminal would obey.

    >>> printable("a\x1b[31m") == "a\ufffd[31m"
    True
    """
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def without_credentials(text: str) -> str:
    """Text without the user and password that an URL in it may carry; who wrote it may not have quoted an @ in them.

    >>> without_credentials("no answer from http://caso:p@ss@host:5000/v3")
    'no answer from http://host:5000/v3'
    """
    return re.sub(r"://[^/\s]*@", "://", text)
