"""What the sub-commands of caso-ledger show and do."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from oslo_config import cfg

from caso.cli import documents
from caso.cli.ledger_arguments import PROG
from caso.cli.ledger_selection import messengers_of, require_keys, selection_of, selection_of_keys, state_of
from caso.errors import ConfigError
from caso.printing import printable
from caso.store import Inspection, Selection, State, Store

LIMIT = 50


def _list(asked: Any, ledger: Inspection) -> None:
    names, chosen = messengers_of(asked, ledger), selection_of(asked, ledger)
    if asked.records or asked.state:
        states = [state_of(asked.state)] if asked.state else []
        found, limit = ledger.count(chosen, names, states), _limit(asked)
        rows = ledger.entries(chosen, names, states, limit)
        if asked.json:
            documents.write(map(documents.entry, rows))
        else:
            from caso.cli import screen, tables

            tables.entries(rows, names, screen.console())
        _tell_of_more(found, limit)
    elif asked.json:
        documents.write(map(documents.total, ledger.totals(names, chosen)))
    else:
        from caso.cli import screen, tables

        tables.totals(ledger.totals(names, chosen), screen.console())
        if not names:
            print(f"{PROG}: {ledger.count(chosen)} records are held; no run has had a messenger yet", file=sys.stderr)


def _show(asked: Any, ledger: Inspection) -> None:
    require_keys([asked.key], ledger)
    (entry,) = ledger.entries(Selection(keys=frozenset([asked.key])), ledger.messengers())
    if asked.json:
        documents.write([documents.whole(entry)])
    else:
        from caso.cli import screen, tables

        tables.whole(entry, screen.console())


def _rejected(asked: Any, ledger: Inspection) -> None:
    names, chosen, limit = messengers_of(asked, ledger), selection_of(asked, ledger), _limit(asked)
    rows = ((name, entry) for name in names for entry in ledger.entries(chosen, [name], [State.SET_ASIDE], limit))
    if asked.json:
        documents.write(documents.refusal(name, entry) for name, entry in rows)
    else:
        from caso.cli import screen, tables

        tables.refusals(rows, screen.console())
    for name in names:
        _tell_of_more(ledger.count(chosen, [name], [State.SET_ASIDE]), limit, f" for {name}")


def _retry(conf: cfg.ConfigOpts, store: Store) -> None:
    asked, ledger = conf.command, store.ledger.inspection
    chosen = selection_of_keys(asked.keys, ledger)
    states = [State.SET_ASIDE, State.SKIPPED] if asked.keys else [State.SET_ASIDE]
    names = [name for name in messengers_of(asked, ledger) if ledger.count(chosen, [name], states)]
    _tell_of_idle(asked.keys, names, states, ledger)
    _change(conf, store, names, lambda name: store.ledger.make_due(name, states, chosen, _now()), "due again")


def _replay(conf: cfg.ConfigOpts, store: Store) -> None:
    asked, ledger = conf.command, store.ledger.inspection
    (name,), chosen = messengers_of(asked, ledger), selection_of(asked, ledger)
    states = [State.ACCEPTED, State.SKIPPED] if asked.skipped else [State.ACCEPTED]
    count = ledger.count(chosen, [name], states)
    if count and not conf.dry_run and not asked.yes:
        _confirm(f"Send {count} records to {name} again?")
    _change(conf, store, [name], lambda name: store.ledger.make_due(name, states, chosen, _now()), "due again")


def _forget(conf: cfg.ConfigOpts, store: Store) -> None:
    asked, ledger = conf.command, store.ledger.inspection
    (name,), chosen = messengers_of(asked, ledger), selection_of(asked, ledger)
    if asked.keys:
        chosen = chosen._replace(keys=selection_of_keys(asked.keys, ledger).keys)
    if (chosen == Selection()) != asked.all:
        raise ConfigError(
            "forget: name the KEYs, or choose by --kind, --project, --month or --since, or say --all, for all of them"
        )
    count = ledger.count(chosen, [name], [State.DUE, State.SET_ASIDE])
    if count and not conf.dry_run and not asked.yes:
        raise ConfigError(
            f"{count} records would not be sent to {name} until they change; say --yes to do so; nothing was changed"
        )
    _tell_of_idle(asked.keys, [name], [State.DUE, State.SET_ASIDE], ledger)
    _change(conf, store, [name], lambda name: store.ledger.skip(name, chosen, _now()), "not sent any more until they change")


READING: Mapping[str, Callable[[Any, Inspection], None]] = {"list": _list, "show": _show, "rejected": _rejected}
CHANGING: Mapping[str, Callable[[cfg.ConfigOpts, Store], None]] = {"retry": _retry, "replay": _replay, "forget": _forget}


def _now() -> datetime:
    return datetime.now(UTC)


def _change(conf: cfg.ConfigOpts, store: Store, names: Sequence[str], act: Callable[[str], Counter[str]], outcome: str) -> None:
    """Act for each messenger while nothing is delivered to any of them, and say what was done."""
    # A delivery at work has read what is due, and would note what became of it after us.
    with store.locks.acquire([f"messenger {name}" for name in names], _now()):
        done = {name: act(name) for name in names}
    if conf.command.json:
        documents.write(
            {"messenger": name, "kind": kind, "records": count, "dry_run": conf.dry_run}
            for name, counts in done.items()
            for kind, count in sorted(counts.items())
        )
        return
    for name, counts in done.items():
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
        if counts and conf.dry_run:
            print(printable(f"{name}: {counts.total()} records would be {outcome} ({kinds}); nothing was changed"))
        elif counts:
            print(printable(f"{name}: {counts.total()} records are {outcome} ({kinds})"))
    if not any(done.values()):
        print("There is nothing to do.")


def _confirm(question: str) -> None:
    """ConfigError unless the person at the terminal says yes."""
    answer = ""
    if sys.stdin.isatty():
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
    if answer.strip().lower() not in ("y", "yes"):
        raise ConfigError(f"{question} Not confirmed: nothing was changed; say --yes to be asked no more")


def _tell_of_idle(keys: Sequence[str], names: Sequence[str], states: Sequence[State], ledger: Inspection) -> None:
    """Say of each key that was named in vain how it stands."""
    every = ledger.messengers()
    for entry in ledger.entries(Selection(keys=frozenset(keys)), every) if keys else ():
        if not any(entry.standings[name].state in states for name in names):
            stands = ", ".join(f"{name}: {entry.standings[name].state.value.replace('_', ' ')}" for name in names or every)
            print(f"{PROG}: {printable(entry.line.key)} is left as it is ({stands})", file=sys.stderr)


def _limit(asked: Any) -> int | None:
    if asked.limit is None:
        return None if asked.json else LIMIT
    return asked.limit or None


def _tell_of_more(found: int, limit: int | None, where: str = "") -> None:
    if limit is not None and found > limit:
        print(f"{PROG}: {found - limit} more{where}; --limit 0 lists all", file=sys.stderr)
