"""The sub-commands of caso-ledger, and their arguments."""

from __future__ import annotations

import argparse
from typing import Any

from oslo_config import cfg

from caso.errors import ConfigError
from caso.window import Month

PROG = "caso-ledger"
STATES = ("accepted", "due", "set-aside", "skipped", "not-taken")
"""Those of ``caso.store.State``, written out: --help does not wait for the store."""


def _month(text: str) -> Month:
    try:
        return Month.parse(text)
    except ConfigError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from None


def _limit(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of lines; 0 means all")
    return int(text)


def _parsers(subparsers: Any) -> None:
    listing = _parser(subparsers, "list", "What is held, accepted, due and set aside, for each messenger and kind.")
    _selecting(listing)
    listing.add_argument("--records", action="store_true", help="List single records, newest first.")
    states = ", ".join(STATES)
    listing.add_argument(
        "--state",
        choices=sorted(STATES),
        metavar="STATE",
        help=f"List single records that have this state with one of the messengers: {states}.",
    )
    _limited(listing)
    show = _parser(subparsers, "show", "One record: its content, and how it stands with each messenger.")
    show.add_argument("key", metavar="KEY", help="Its key, as logs and lists have it.")
    rejected = _parser(subparsers, "rejected", "What recipients refused, and why.")
    _selecting(rejected)
    _limited(rejected)
    retry = _parser(subparsers, "retry", "Make what was set aside due again: all of it, or the keys named.")
    retry.add_argument("keys", metavar="KEY", nargs="*", help="Only these records; those that are skipped, too.")
    retry.add_argument("--messenger", metavar="NAME", help="Only for this messenger.")
    _changing(retry)
    replay = _parser(subparsers, "replay", "Make accepted records due again, for a recipient that lost them.")
    _selecting(replay, needs_messenger=True)
    replay.add_argument("--skipped", action="store_true", help="Also records that are skipped.")
    _changing(replay, confirms="Do not ask. Needed where there is no terminal to ask at.")
    forget = _parser(subparsers, "forget", "Never mind what is due or set aside: do not send it until it changes.")
    _selecting(forget, needs_messenger=True)
    forget.add_argument("keys", metavar="KEY", nargs="*", help="Only these records.")
    forget.add_argument("--all", action="store_true", help="All that is due or set aside, where no KEY and no month is named.")
    _changing(forget, confirms="Do it. Without it nothing is changed.")


def _parser(subparsers: Any, name: str, purpose: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = subparsers.add_parser(
        name, prog=f"caso-ledger [OPTION]... {name}", help=purpose, description=purpose, allow_abbrev=False
    )
    made.add_argument("--json", action="store_true", help="Print JSON, for scripts.")
    return made


def _selecting(parser: argparse.ArgumentParser, *, needs_messenger: bool = False) -> None:
    parser.add_argument("--messenger", metavar="NAME", required=needs_messenger, help="Only of this messenger.")
    parser.add_argument("--kind", metavar="KIND", help="Only this kind of record, such as cloud.")
    parser.add_argument("--project", metavar="ID", help="Only records of the project with this id.")
    months = parser.add_mutually_exclusive_group()
    months.add_argument("--month", metavar="YYYY-MM", type=_month, help="Only records booked in this month.")
    months.add_argument("--since", metavar="YYYY-MM", type=_month, help="Only records booked in this month or a later one.")


def _limited(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--limit", metavar="N", type=_limit, help="How many records at most; 0: all. Not set: 50, and all with --json."
    )


def _changing(parser: argparse.ArgumentParser, *, confirms: str | None = None) -> None:
    # The same as the option of all commands: left out here, what was said before the sub-command's name counts.
    parser.add_argument(
        "--dry-run", action="store_true", default=argparse.SUPPRESS, help="Show what would be done; change nothing."
    )
    if confirms is not None:
        parser.add_argument("--yes", action="store_true", help=confirms)


SUBCOMMANDS = cfg.SubCommandOpt(
    "command", handler=_parsers, title="commands", help="What to show or do; each has its own --help."
)
