"""Files in, lives out: what one run of caso-almanach-import does, and what it has to say of it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial, reduce
from typing import Any, BinaryIO, NamedTuple

from caso.almanach.documents import BrokenError, Oddity, TypeRow, read
from caso.almanach.flavors import FlavorBook
from caso.almanach.lives import known_starts, sightings
from caso.almanach.rows import Mended, straighten
from caso.almanach.staging import Staging
from caso.errors import ConfigError
from caso.lifecycle.notice import VolumeType
from caso.lifecycle.server import ServerSeen
from caso.store import Place, Store
from caso.store.kinds import KINDS
from caso.window import BEGINNING

BY = "almanach"
"""Who told of what was moved in: no extractor, so a whole listing by any ends what it does not have."""
LONGEST_LINE = 32 * 1024 * 1024
"""Bytes; MongoDB takes documents of 16 MiB, and JSON says some things in more."""
AT_A_TIME = 500
"""Resources that are looked up, and kept, together."""

Tell = Callable[[str], None]


class File(NamedTuple):
    """An export, by the name that it has in messages."""

    name: str
    content: BinaryIO


class Unread(NamedTuple):
    """Where a field that nobody knows was met first, and how many rows have it."""

    place: str
    rows: int


@dataclasses.dataclass
class Summary:
    """What was read and what became of it; the numbers are of rows, but ``lives`` and ``by_name_only`` of resources.

    ``lives`` counts what is ``new``, ``changed`` and ``same``, by kind. ``unread``: fields that nobody knows, by name.
    """

    lines: int = 0
    rows: Counter[str] = dataclasses.field(default_factory=Counter)
    types: int = 0
    broken: int = 0
    oddities: Counter[Oddity] = dataclasses.field(default_factory=Counter)
    mended: Counter[Mended] = dataclasses.field(default_factory=Counter)
    types_repeated: int = 0
    lives: Counter[tuple[str, str]] = dataclasses.field(default_factory=Counter)
    living: Counter[str] = dataclasses.field(default_factory=Counter)
    unread: dict[str, Unread] = dataclasses.field(default_factory=dict)
    by_name_only: int = 0
    flavors_by_name_only: Sequence[str] = ()


def move_in(files: Iterable[File], store: Store, place: Place, flavors: FlavorBook, tell: Tell) -> Summary:
    """Move what the files hold into a place. ``tell`` is told of each line that says nothing.

    The same for any order of the lines; doing it again changes nothing. StoreError where a database is in trouble.
    """
    summary = Summary()
    with Staging() as staging:
        for file in files:
            _stage(file, staging, summary, tell)
        types = [VolumeType(row.id, row.name, BEGINNING) for row in staging.types()]
        # As old as can be: whoever else told of them knows better.
        store.volume_types.put(place, types)
        for chunk in _chunks(staging.resources()):
            _keep(chunk, store, place, flavors, summary)
    summary.flavors_by_name_only = flavors.unknown
    return summary


def _stage(file: File, staging: Staging, summary: Summary, tell: Tell) -> None:
    for number, line in _lines(file):
        summary.lines += 1
        where = f"{file.name}, line {number}"
        try:
            if len(line) == LONGEST_LINE:
                raise BrokenError("it is longer than any document; export without --jsonArray")
            document = read(line)
        except BrokenError as exc:
            summary.broken += 1
            tell(f"{where}: {exc}")
            continue
        for field in document.unknown:
            first = summary.unread.get(field, Unread(where, 0))
            summary.unread[field] = first._replace(rows=first.rows + 1)
        summary.oddities.update(document.oddities)
        is_new = staging.put(document.row)
        if isinstance(document.row, TypeRow):
            summary.types += is_new
            summary.types_repeated += not is_new
        else:
            summary.rows[document.row.kind] += 1


def _lines(file: File) -> Iterator[tuple[int, bytes]]:
    """The lines that say something, with their numbers; of one that is too long, the beginning."""
    number = 0
    while line := _part(file):
        number += 1
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = _part(file)
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if line.strip():
            yield number, line


def _part(file: File) -> bytes:
    """The rest of a line, or the beginning of that; empty at the end of the file."""
    try:
        return file.content.readline(LONGEST_LINE)
    except OSError as exc:
        raise ConfigError(f"cannot read {file.name}: {exc.strerror}; nothing was changed") from exc


def _chunks(resources: Iterator[list[Any]]) -> Iterator[list[list[Any]]]:
    chunk: list[list[Any]] = []
    for rows in resources:
        if chunk and (len(chunk) == AT_A_TIME or chunk[0][0].kind != rows[0].kind):
            yield chunk
            chunk = []
        chunk.append(rows)
    if chunk:
        yield chunk


def _keep(chunk: Sequence[Sequence[Any]], store: Store, place: Place, flavors: FlavorBook, summary: Summary) -> None:
    """Move the resources of a chunk in, all of one kind."""
    kind = chunk[0][0].kind
    known = store.known(place, kind, [rows[0].id for rows in chunk])
    news: list[Any] = []
    for rows in chunk:
        before = known.get(rows[0].id)
        straight = straighten(rows, known_starts(before))
        told = sightings(straight, before, partial(flavors.of, known=before))
        after: Any = reduce(KINDS[kind].observe, told, before)
        summary.mended += straight.mended
        summary.lives[kind, "new" if before is None else "same" if after == before else "changed"] += 1
        summary.living[kind] += after.ended is None
        if kind == ServerSeen.kind:
            summary.by_name_only += not all(interval.value.flavor.vcpus for interval in after.intervals())
        if after != before:
            news += told
    store.observe(place, news, by=BY)
