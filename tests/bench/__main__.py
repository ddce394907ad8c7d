"""``make bench``: what a run costs, measured on the real cloud; figures, table and plots go into one folder."""

import argparse
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.bench.figures import OTHER_DAYS, Figures, Run
from tests.bench.machine import ROOT, compile_caso, machine

FOLDER = ROOT / "doc" / "source" / "bench"
PARTS = ("first", "hour", "caso522", "prepared", "start", *OTHER_DAYS)
SIZES = (1_000, 5_000, 20_000)
PREPARED_SIZES = (1_000, 10_000, 100_000)
MESSAGES = (20_000, 200_000)
LIVES = 700_000


def main(argv: Sequence[str] | None = None) -> int:
    words = sys.argv[1:] if argv is None else list(argv)
    options = _parser().parse_args(words)
    # Whoever ends it, the cloud is stopped and its folder removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    file = options.folder / "figures.json"
    if not options.draw:
        options.folder.mkdir(parents=True, exist_ok=True)
        _measure(options, " ".join(["make bench", *([f"ARGS={shlex.quote(shlex.join(words))}"] if words else [])]), file)
    figures = Figures.read(file)
    _write(figures, options.folder)
    if figures.runs and (options.draw or set(options.only) - set(OTHER_DAYS)):
        from tests.bench import plots

        for plot in plots.draw(figures, options.folder):
            print(plot)
    return 0


def _measure(options: argparse.Namespace, command: str, file: Path) -> None:
    # Measuring takes what only some parts have; drawing takes figures.json alone.
    from tests.bench import parts, start

    compile_caso()
    began = time.monotonic()
    # These parts alone leave what was measured of the others.
    alone = set(options.only) <= set(OTHER_DAYS) and file.exists()
    figures = Figures.read(file) if alone else Figures(machine(), command)

    def note(run: Run) -> None:
        figures.runs.append(run)
        # What was measured until then stays, however this ends.
        figures.write(file)
        print(f"{time.monotonic() - began:5.0f} s {_line(run)}", flush=True)

    if {"first", "hour", "caso522"} & set(options.only):
        figures.projects = parts.ask_the_cloud(parts.Wanted(options.only, options.sizes, options.roles), note)
    if "prepared" in options.only:
        figures.prepared = parts.prepared(options.prepared_sizes)
    if "start" in options.only:
        figures.start = start.measure()
    for part in OTHER_DAYS:
        if part in options.only:
            told: dict[str, Any] = {"machine": machine(), "command": command, "lines": []}
            setattr(figures, part, told)
            for line in _lines_of(part, options):
                told["lines"].append(line)
                figures.write(file)
                shown = {name: value for name, value in line.items() if name != "plan"}
                print(f"{time.monotonic() - began:5.0f} s {shown}", flush=True)
    figures.write(file)
    print(f"{time.monotonic() - began:5.0f} s in all")


def _lines_of(part: str, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    from tests.bench import meters, notifications, periods

    if part == "meters":
        return meters.measure_meters()
    if part == "notifications":
        return notifications.measure_notifications(options.messages)
    return periods.measure_periods(options.lives)


def _line(run: Run) -> str:
    cost = run.cost
    what = run.what + (f", {run.changed_percent} % changed" if run.changed_percent else "")
    calls = f"{cost.all_calls:5} calls + {cost.about_changes:4} about changes"
    return f"{run.size:7,} {run.role:6}  {what:22} {run.who:10} {cost.seconds:7.1f} s {calls} {cost.peak_mib:5.0f} MiB"


def _write(figures: Figures, folder: Path) -> None:
    from tests.bench import messages_tables, tables

    (folder / "table.md").write_text(tables.markdown(figures))
    (folder / "table.rst").write_text(tables.restructured(figures))
    for name, text in messages_tables.files(figures):
        (folder / name).write_text(text)
    print(tables.markdown(figures))
    print(messages_tables.markdown(figures))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", type=_listed(PARTS), default=PARTS, help="parts, with commas: " + ",".join(PARTS))
    parser.add_argument("--sizes", type=_numbers, default=SIZES, help="living servers of each fleet, with commas")
    parser.add_argument(
        "--prepared-sizes", type=_numbers, default=PREPARED_SIZES, help="servers of the part prepared, with commas"
    )
    parser.add_argument("--messages", type=_numbers, default=MESSAGES, help="messages of the part notifications, with commas")
    parser.add_argument("--lives", type=int, default=LIVES, help="servers and volumes of the part periods")
    parser.add_argument("--roles", type=_listed(("admin", "reader")), default=("admin", "reader"), help="admin,reader")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where everything is written (default: the documentation's)")
    parser.add_argument(
        "--draw", action="store_true", help="measure nothing; draw table and plots from the folder's figures.json"
    )
    return parser


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(word) for word in text.split(",")))


class _listed:  # noqa: N801  # read as a function
    """Words out of some, with commas between them."""

    def __init__(self, known: Sequence[str]) -> None:
        self.known = known

    def __call__(self, text: str) -> tuple[str, ...]:
        words = tuple(text.split(","))
        if unknown := set(words) - set(self.known):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))} is none of {', '.join(self.known)}")
        return words


if __name__ == "__main__":
    sys.exit(main())
