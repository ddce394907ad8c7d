"""Series out of the JSON of a range query, one by one."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

HEAD_BYTES = 4096
TAIL_BYTES = 64 * 1024
DEEPEST = 100
"""Brackets within brackets: a series has five. The parser's memory grows with the square of them."""
ESCAPED = re.compile(rb"\\.", re.DOTALL)
RESULT = re.compile(rb'"result"\s*:\s*\[')
NOTES = re.compile(rb'"warnings"\s*:\s*(?=\[)')
PARTIAL = re.compile(rb'"isPartial"\s*:\s*true')

Sample = tuple[float, float]
"""Seconds since the epoch, and the value."""


@dataclasses.dataclass(frozen=True)
class Series:
    """What one series tells: its labels, its samples in the order of their times; ``odd`` had no finite value."""

    labels: Mapping[str, str]
    samples: tuple[Sample, ...]
    odd: int = 0

    def between(self, start: float, end: float) -> Series:
        """The samples from ``start`` on and before ``end``."""
        return dataclasses.replace(self, samples=tuple(sample for sample in self.samples if start <= sample[0] < end))


class Readable(Protocol):
    def read(self, size: int = -1) -> bytes:
        """The next bytes, none at the end."""


class SeriesReader:
    """Iterates over the series in an answer; ValueError where it is no such answer, or only a part of one.

    ``warnings`` are known after the last one.
    """

    def __init__(self, body: Readable) -> None:
        self.warnings: tuple[str, ...] = ()
        self._kept = _Kept(body)

    def __iter__(self) -> Iterator[Series]:
        import ijson  # takes a while to load: --help must not wait for it

        try:
            for raw in ijson.items(self._kept, "data.result.item", use_float=True):
                yield read_series(raw)
        except ijson.JSONError as exc:
            # After its first line it draws an arrow to the place.
            raise ValueError(f"the answer is no JSON, or only a part of it ({str(exc).splitlines()[0].strip(' .')})") from exc
        if not RESULT.search(self._kept.head):
            raise ValueError("the answer has no result")
        self.warnings = self._kept.warnings()


class _Kept:
    """Reads through, and keeps the beginning and the end, where all but the series is."""

    def __init__(self, body: Readable) -> None:
        self._body = body
        self.head = b""
        self._tail = b""
        self._nesting = _Nesting()

    def read(self, size: int = -1) -> bytes:
        part = self._body.read(size)
        self._nesting.take(part)
        if len(self.head) < HEAD_BYTES:
            self.head = (self.head + part)[:HEAD_BYTES]
        self._tail = (self._tail + part)[-TAIL_BYTES:]
        return part

    def warnings(self) -> tuple[str, ...]:
        """What the server says that its answer lacks."""
        found = NOTES.search(self.head) or NOTES.search(self._tail)
        told: list[Any] = []
        if found:
            told, _ = json.JSONDecoder().raw_decode(found.string[found.end() :].decode(errors="replace"))
        return tuple(str(one) for one in told) + (("a partial answer",) if PARTIAL.search(self.head) else ())


class _Nesting:
    """How deep an answer is nested where it was read to; brackets in a string, such as a server's name, do not count."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = 0
        self._cut = b""

    def take(self, part: bytes) -> None:
        """ValueError where that is deeper than any answer."""
        text = ESCAPED.sub(b"", self._cut + part) if self._cut or b"\\" in part else part
        self._cut = b"\\" if text.endswith(b"\\") else b""
        pieces = text.split(b'"')
        outside = b"".join(pieces[self._in_string :: 2])
        self._in_string = (self._in_string + len(pieces) - 1) % 2
        opened, closed = (sum(map(outside.count, kind)) for kind in ((b"[", b"{"), (b"]", b"}")))
        self._depth += opened - closed
        if self._depth > DEEPEST:
            raise ValueError("the answer is nested too deeply")


def read_series(raw: Any) -> Series:
    """One series; ValueError for what is none, such as a single value.

    >>> read_series({"metric": {"uuid": "a"}, "values": [[60, "1.5"], [120, "NaN"]]})
    Series(labels={'uuid': 'a'}, samples=((60.0, 1.5),), odd=1)
    """
    try:
        labels = {str(name): str(value) for name, value in raw["metric"].items()}
        # A native histogram has no value that could be added up.
        pairs = [(float(time), float(value)) for time, value in raw.get("values", ())]
        odd = len(raw.get("histograms", ()))
        if "value" in raw:
            raise ValueError("it is one value, and no range of them")
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise ValueError(f"the answer has something that is no series ({exc})") from exc
    samples = tuple(sorted((time, value) for time, value in pairs if math.isfinite(value) and math.isfinite(time)))
    return Series(labels, samples, odd + len(pairs) - len(samples))
