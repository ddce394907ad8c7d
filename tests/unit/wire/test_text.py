import contextlib
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caso.wire.text import NULLS, ascii_key, ascii_line, unicode_key, unicode_line, unless_plain
from caso.wire.values import UnfitError

BREAKS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
ANY_TEXT = st.lists(
    st.one_of(
        st.text(st.characters()),
        st.text(st.sampled_from("%:/ \u2215\uff05\uff1a\ud800\U0001f600" + BREAKS), max_size=8),
        st.sampled_from(["%%", "null", "None", "application/pkcs7-mime", "application/x-pkcs7-mime", "x" * 300]),
    ),
    max_size=4,
).map("".join)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("worker-1", "worker-1"),
        ("José: naïve", "Jose: naive"),
        ("名前", "MingQian"),
        ("a%%b%%%c", "a% %b% % %c"),
        ("\uff05\uff05", "% %"),
        ("one\r\ntwo\x0bthree\x85four", "one two three four"),
        ("\t padded \u00a0", "padded"),
        ("null", "(null)"),
        ("None", "(None)"),
        ("", None),
        (" \n ", None),
        ("\ue000\ue001", "U+E000 U+E001"),
        ("\ud800", "U+D800"),
        ("see application/x-pkcs7-mime", "see application_x-pkcs7-mime"),
        ("x" * 300, "x" * 255),
        ("x" * 254 + " y", "x" * 254),
        ("none" + " " * 300 + "x", "(none)"),
    ],
)
def test_a_text_becomes_one_harmless_line_of_ascii(text, line):
    assert ascii_line(text) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("名前 é", "名前 é"),
        ("a%%b", "a%%b"),
        ("tea 🍵", "tea :tea:"),
        ("half \udc80", "half"),
        ("\udc80", "U+DC80"),
        ("two\u2028lines", "two lines"),
        ("NULL", "(NULL)"),
        ("", None),
        ("é" * 300, "é" * 255),
    ],
)
def test_with_escapes_a_text_keeps_the_letters_that_the_server_can_store(text, line):
    assert unicode_line(text) == line


@given(ANY_TEXT)
def test_any_text_is_harmless_or_nothing(text):
    line = ascii_line(text)

    assert line is None or (
        line.isascii()
        and line.isprintable()
        and line == line.strip()
        and 0 < len(line) <= 255
        and "%%" not in line
        and line.lower() not in NULLS
        and not re.search("application/(x-)?pkcs7-mime", line, re.IGNORECASE)
    )


@given(ANY_TEXT)
def test_a_text_that_says_something_is_never_lost(text):
    says_something = any(not letter.isspace() and unicodedata.category(letter) != "Cc" for letter in text)

    assert (ascii_line(text) is not None) == says_something
    assert (unicode_line(text) is not None) == says_something


@given(ANY_TEXT)
def test_a_key_is_the_same_or_refused(text):
    for check in (ascii_key, unicode_key):
        with contextlib.suppress(UnfitError):
            assert check(text) == text


@pytest.mark.parametrize(
    "key", ["", "NONE", "a%%b", "a\nb", "é", " a", "a ", "a\u0085b", "application/pkcs7-mime", "x" * 256, "\x7f", "\ud800", "🍵"]
)
def test_a_key_that_a_text_message_cannot_carry_is_refused(key):
    with pytest.raises(UnfitError, match="is a key"):
        ascii_key(key)


@pytest.mark.parametrize("key", ["a%%b", "é", "名前", "application/pkcs7-mime", "NVIDIA A100 80GB (PCIe)"])
def test_escapes_carry_keys_that_a_text_message_cannot(key):
    assert unicode_key(key) == key


def written(write, text):
    try:
        return write(text)
    except UnfitError as exc:
        return str(exc)


@given(ANY_TEXT | st.from_regex(r"[-.:_%/0-9A-Za-z]{0,50}", fullmatch=True))
def test_what_need_not_be_looked_at_would_be_written_as_it_is(text):
    for write in (ascii_key, ascii_line, unicode_key, unicode_line):
        assert written(unless_plain(write), text) == written(write, text)
