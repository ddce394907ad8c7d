"""Mutants that the tests let live, as people read them, and the list of those that may."""

import difflib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code

NOT_KILLED = {"survived", "no tests", "suspicious"}


class Survivor(NamedTuple):
    """A mutant: its module or function, the lines that it lacks, and those that it has instead."""

    where: str
    without: tuple[str, ...]
    instead: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(
            [f"    {self.where}", *(f"    - {line}" for line in self.without), *(f"    + {line}" for line in self.instead)]
        )


def of_difference(where: str, difference: Iterable[str]) -> Survivor:
    """From the lines of a unified diff."""
    lines = [line for line in difference if line[:1] in ("-", "+") and line[:3] not in ("---", "+++")]
    return Survivor(
        where,
        tuple(line[1:].strip() for line in lines if line[0] == "-"),
        tuple(line[1:].strip() for line in lines if line[0] == "+"),
    )


def of_code(path: Path, mutated: str) -> Survivor:
    """A mutant of what stands outside the functions of a module."""
    before = path.read_text(encoding="utf-8").splitlines()
    where = ".".join(path.with_suffix("").parts)
    return of_difference(where, difflib.unified_diff(before, mutated.splitlines(), n=0, lineterm=""))


def of_mutmut() -> Iterator[Survivor]:
    """Those of mutmut's last run in this directory."""
    for name, status, path in results():
        if status in NOT_KILLED:
            yield of_difference(_where(name), get_diff_for_mutant(name, path=path).splitlines())


def results() -> Iterator[tuple[str, str, Path]]:
    """Of every mutant that mutmut made: its name, what became of it, its module."""
    for meta in sorted(Path("mutants").rglob("*.meta")):
        path = meta.relative_to("mutants").with_suffix("")
        for name, code in json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"].items():
            yield name, status_by_exit_code[code], path


def _where(name: str) -> str:
    """Of mutmut's name for a mutant, the function: of caso.a.xǁBǁ__init____mutmut_12 it is caso.a.B.__init__."""
    module, _, function = re.sub(r"__mutmut_\d+$", "", name).rpartition(".")
    return f"{module}.{function.removeprefix('x_').removeprefix('xǁ').replace('ǁ', '.')}"


def read(text: str) -> dict[Survivor, str]:
    """The listed mutants, each with its reason; see the head of the list for its form."""
    found: dict[Survivor, str] = {}
    reason = ""
    blocks = re.split(r"\n\s*\n", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).strip("\n"))
    for block in filter(None, blocks):
        lines = block.splitlines()
        if not lines[0].startswith(" "):
            reason = lines.pop(0)
        for mutant in re.split(r"\n(?=    [^-+ ])", "\n" + "\n".join(lines))[1:]:
            where, *changes = (line.strip() for line in mutant.splitlines())
            without = tuple(line[2:] for line in changes if line.startswith("- "))
            found[Survivor(where, without, tuple(line[2:] for line in changes if line.startswith("+ ")))] = reason
    return found
