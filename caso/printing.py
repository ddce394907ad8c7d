"""Foreign words, where people read them."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Text from the cloud's users without what a terminal would obey.

    >>> printable("a\x1b[31m") == "a\ufffd[31m"
    True
    """
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
