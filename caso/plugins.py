"""Plug-ins by their entry points: named without importing, loaded strictly, their options collected."""

from __future__ import annotations

import functools
import inspect
import logging
import re
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import Any, TypeVar, cast

from oslo_config import cfg

from caso.errors import ConfigError

LOG = logging.getLogger(__name__)

EXTRACTORS = "caso.extractors"
MESSENGERS = "caso.messenger"

PORTING = (
    'it is written for cASO; "Porting a plug-in" in caso\'s documentation (doc/source/porting.rst) says how to bring it over'
)
CASO_MODULES = ("caso.exception", "caso.extract", "caso.keystone_client", "caso.manager", "caso.messenger", "caso.record")
"""Modules of cASO that plug-ins were made of, and that are not here."""

C = TypeVar("C", bound=type[Any])


def names(group: str) -> tuple[str, ...]:
    """What is installed in a group, sorted; nothing is imported."""
    return tuple(sorted({entry.name for entry in entries(group)}))


def load(group: str, name: str, base: C) -> C:
    """The class of a plug-in, a subclass of ``base``; ConfigError where it is unknown, broken or something else.

    >>> load("caso.extractors", "nowa", object)
    Traceback (most recent call last):
    caso.errors.ConfigError: caso.extractors: nothing is called 'nowa'; there are ...
    """
    found = _load(_entry(group, name))
    if not (isinstance(found, type) and issubclass(found, base)):
        if _is_for_caso(found):
            raise ConfigError(f"{group}: plug-in {name} ({found.__module__}:{found.__qualname__}): {PORTING}")
        raise ConfigError(f"{group}: {name} is no {base.__name__}: {found!r}; its entry point has to name a subclass")
    return cast(C, found)


def load_all(group: str, wanted: Iterable[str], base: C) -> dict[str, C]:
    """The classes of plug-ins by name, each once, in the order they are named."""
    return {name: load(group, name, base) for name in wanted}


def load_installed(group: str, base: C) -> dict[str, C]:
    """The classes of all that is installed and can be used, by name; what cannot is told, and costs the others nothing."""
    found = {}
    for name in names(group):
        try:
            found[name] = load(group, name, base)
        except ConfigError as exc:
            LOG.warning("%s", exc)
    return found


def entries(group: str) -> tuple[metadata.EntryPoint, ...]:
    """The entry points of a group; nothing is imported."""
    return _entries_on(tuple(sys.path), group)


def options_of(classes: Mapping[str, type[Any]]) -> list[tuple[str, list[cfg.Opt]]]:
    """Groups and their options, as ``list_opts()`` and ``register_opts()`` want them.

    A plug-in's ``options`` are in the group of its name, its ``shared_options`` in the groups they name, each once.
    """
    groups: dict[str, list[cfg.Opt]] = {}
    for name, plugin in classes.items():
        declared = {name: getattr(plugin, "options", ()), **getattr(plugin, "shared_options", {})}
        for group, options in declared.items():
            held = groups.setdefault(group, [])
            held += [option for option in options if option not in held]
    return [(group, options) for group, options in groups.items() if options]


@functools.cache
def _entries_on(path: tuple[str, ...], group: str) -> tuple[metadata.EntryPoint, ...]:
    return tuple(_all_on(path).select(group=group))


@functools.cache
def _all_on(path: tuple[str, ...]) -> Any:
    """What the packages on ``path`` bring, looked for once: each time, a file of every package there is read."""
    return metadata.entry_points()


def _entry(group: str, name: str) -> metadata.EntryPoint:
    # stevedore would answer from a cache on disk, and says nothing where two packages bring the same name.
    found = {entry.value: entry for entry in entries(group) if entry.name == name}
    if not found:
        raise ConfigError(f"{group}: nothing is called {name!r}; there are {', '.join(names(group)) or 'none'}")
    if len(found) > 1:
        raise ConfigError(f"{group}: several packages bring {name!r} ({', '.join(sorted(found))}); uninstall all but one")
    return next(iter(found.values()))


def _load(entry: metadata.EntryPoint) -> Any:
    try:
        return entry.load()
    except Exception as exc:
        if isinstance(exc, ImportError) and _misses_caso(exc):
            raise ConfigError(f"{entry.group}: plug-in {entry.name} ({entry.value}): {PORTING} ({exc})") from exc
        raise ConfigError(
            f"{entry.group}: plug-in {entry.name} ({entry.value}) cannot be imported: {type(exc).__name__}: {exc}"
        ) from exc


def _misses_caso(exc: ImportError) -> bool:
    """True where a module of cASO is not found: ``import caso.record`` names it, ``from caso import record`` its package."""
    missing = re.match(r"cannot import name '(\w+)'", str(exc))
    module = f"{exc.name}.{missing[1]}" if missing and exc.name == "caso" else exc.name
    return any(f"{module}.".startswith(f"{old}.") for old in CASO_MODULES)


def _is_for_caso(found: object) -> bool:
    """True for a class with the methods that cASO calls: ``extract(extract_from, extract_to)`` or ``push(records)``."""
    if not isinstance(found, type):
        return False
    extract = getattr(found, "extract", None)
    if callable(extract) and {"extract_from", "extract_to"} <= inspect.signature(extract).parameters.keys():
        return True
    return callable(getattr(found, "push", None))
