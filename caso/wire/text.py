"""Texts that cannot break a message of APEL's.

A message is all or nothing: one text with a line break, with ``%%`` or with a
letter that is not ASCII costs every record beside it. So texts that only
describe are changed until they are harmless, and keys, which must arrive as
they are, are refused when they are not.

anyascii turns other scripts into ASCII: it is kept up, knows every script, and
is ISC licensed (Unidecode, the better known one, is GPL: not for an Apache-2.0 project).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from anyascii import anyascii

from caso.wire.values import UnfitError

VARCHAR = 255
"""APEL's text columns hold this many characters; a longer text rejects the message."""

NULLS = frozenset({"", "none", "null"})
"""What the server takes for null, whatever the case; in a mandatory field it rejects the message."""

# All that str.splitlines() cuts at, which is how the server finds its lines, is in here: VT, FF, FS, GS, RS and NEL too.
# U+FFFE and U+FFFF are no letters, and XML forbids them.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]+")
# Surrogates cannot be encoded at all; three-byte character sets of the server's database stop at U+FFFF.
_BEYOND_BMP = re.compile("[\ud800-\udfff\U00010000-\U0010ffff]")
# The receiving SSM takes a message with this anywhere in it for an encrypted one, and rejects it.
ENCRYPTED = re.compile(r"application/(?=(?:x-)?pkcs7-mime)", re.IGNORECASE)

# Longer than any word for null, shorter than any column, and without what a separator or an encrypted message begins with.
_PLAIN = re.compile(r"[0-9A-Za-z][-.:_0-9A-Za-z]{4,40}")

T = TypeVar("T")


# Most texts of a message are those of the record before: names of the site, of projects, users, images and benchmarks.
remembered = lru_cache(maxsize=1024)


@remembered
def ascii_line(text: str, limit: int = VARCHAR) -> str | None:
    """``text`` for a format without escapes: one line of ASCII that is no separator; None where there is nothing to tell.

    >>> ascii_line("名前 a%%b"), ascii_line("null"), ascii_line(" ")
    ('MingQian a% %b', '(null)', None)
    """
    line = _one_line(text)
    plain = anyascii(line).strip() or _code_points(line)
    # Records are cut at these two characters anywhere, not on a line of their own.
    plain = re.sub("%(?=%)", "% ", plain)
    return _fitted(ENCRYPTED.sub("application_", plain), limit)


@remembered
def unicode_line(text: str, limit: int = VARCHAR) -> str | None:
    """``text`` for a format with escapes: one line, its letters kept; None where there is nothing to tell.

    >>> unicode_line("名前\\x85\\U0001f600")
    '名前 :grinning:'
    """
    line = _one_line(text)
    kept = _BEYOND_BMP.sub(lambda letter: anyascii(letter[0]), line).strip()
    return _fitted(kept or _code_points(line), limit)


@remembered
def ascii_key(text: str) -> str:
    """``text`` as it is; UnfitError where a format without escapes cannot carry it so."""
    if not text.isascii():
        raise UnfitError("is a key, and not ASCII")
    if "%%" in text:
        raise UnfitError("is a key, and %% would cut its record in two")
    if ENCRYPTED.search(text):
        raise UnfitError("is a key, and would make the message look encrypted")
    return unicode_key(text)


@remembered
def unicode_key(text: str) -> str:
    """``text`` as it is; UnfitError where the server could not hold it so."""
    if text.lower() in NULLS:
        raise UnfitError("is a key, and the server would take it for null")
    if len(text) > VARCHAR:
        raise UnfitError(f"is a key, and longer than {VARCHAR} characters")
    if text != text.strip() or _CONTROLS.search(text) or _BEYOND_BMP.search(text):
        raise UnfitError("is a key, and holds outer blanks, control characters or letters beyond U+FFFF")
    return text


def unless_plain(write: Callable[[str], T]) -> Callable[[str], str | T]:
    """``write`` for texts of which hardly two are the same, such as ids: it is not asked about what any column can hold.

    >>> unless_plain(ascii_key)("a6fbc5c4-3f4b-4b1c-8d6b-2d1d1d3f6c0e"), unless_plain(ascii_line)("vm_名")
    ('a6fbc5c4-3f4b-4b1c-8d6b-2d1d1d3f6c0e', 'vm_Ming')
    """
    return lambda text: text if _PLAIN.fullmatch(text) else write(text)


def needed(line: str | None) -> str:
    if line is None:
        raise UnfitError("is empty, and the recipient needs it")
    return line


def _one_line(text: str) -> str:
    return _CONTROLS.sub(" ", text).strip()


def _code_points(line: str) -> str:
    """Stands for a name of letters that nobody can transliterate: it can still be looked for."""
    return " ".join(f"U+{ord(letter):04X}" for letter in line)


def _fitted(line: str, limit: int) -> str | None:
    line = line[:limit].rstrip()
    if line.lower() in NULLS:
        return f"({line})" if line else None
    return line
