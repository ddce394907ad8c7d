"""Which messengers, states and records the arguments of caso-ledger mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caso.errors import CasoError
from caso.printing import printable
from caso.store import Inspection, Selection, State


def state_of(word: str) -> State:
    """The state that is written so on the command line.

    >>> from caso.cli.ledger_arguments import STATES
    >>> [state_of(word).name for word in STATES] == [state.name for state in State]
    True
    """
    return State(word.replace("-", "_"))


def messengers_of(asked: Any, ledger: Inspection) -> list[str]:
    """The one asked for, else all."""
    names = ledger.messengers()
    if asked.messenger is None:
        return names
    if asked.messenger not in names:
        there = f"there are {', '.join(names)}" if names else "there is none yet"
        raise CasoError(f"messenger {asked.messenger}: the last run of caso-extract had none of this name; {there}")
    return [asked.messenger]


def selection_of(asked: Any, ledger: Inspection) -> Selection:
    """What the options select; CasoError where they select nothing that is held."""
    chosen = Selection(asked.kind, asked.project, asked.month, asked.since)
    if chosen != Selection() and not ledger.count(chosen):
        said = {"--kind": asked.kind, "--project": asked.project, "--month": asked.month, "--since": asked.since}
        what = " ".join(f"{option} {value}" for option, value in said.items() if value is not None)
        raise CasoError(f"no record is held for {what}; the kinds that are held: {', '.join(ledger.kinds()) or 'none'}")
    return chosen


def selection_of_keys(keys: Sequence[str], ledger: Inspection) -> Selection:
    require_keys(keys, ledger)
    return Selection(keys=frozenset(keys) if keys else None)


def require_keys(keys: Sequence[str], ledger: Inspection) -> None:
    """CasoError for a key that no record held has, with the keys that may be meant."""
    for key in keys:
        if not ledger.count(Selection(keys=frozenset([key]))):
            near = ledger.keys_like(key)
            meant = (
                "did you mean\n  " + "\n  ".join(map(printable, near)) if near else "caso-ledger list --records lists the keys"
            )
            raise CasoError(f"no record is held under the key {printable(key)}; {meant}")
