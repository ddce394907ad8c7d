"""What stands in the configuration files and on the command line: what nothing reads, and names of older releases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from oslo_config import cfg

Declared = Sequence[tuple[str | None, Sequence[cfg.Opt]]]
"""Options by group, as ``register_opts`` takes them."""


NEARLY = 0.9
"""How like each other two names of groups have to be: plug-ins have groups of their own, that are like none of these."""


class ConfigFile(NamedTuple):
    """One file as it stands there: the values of each option of each group."""

    path: str
    sections: Mapping[str, Mapping[str, list[str]]]


def read_files(conf: cfg.ConfigOpts) -> list[ConfigFile]:
    """The files that a parsed configuration was read from, in their order: later ones count more."""
    folders = [Path(folder) for folder in conf.config_dir or []]
    paths = [*(conf.config_file or []), *(str(path) for folder in folders for path in sorted(folder.glob("*.conf")))]
    return [_read(path) for path in paths]


def _read(path: str) -> ConfigFile:
    sections: dict[str, dict[str, list[str]]] = {}
    cfg.ConfigParser(path, sections).parse()
    return ConfigFile(path, sections)


def named(arguments: Sequence[str], usual: Sequence[str], folders: Iterable[str]) -> list[str]:
    """The files that a command line names, else the usual ones."""
    inside = [Path(folder) for folder in values_of("--config-dir", arguments) or folders]
    files = values_of("--config-file", arguments) or usual
    return [*files, *(str(path) for folder in inside for path in sorted(folder.glob("*.conf")))]


def undecodable(files: Iterable[str]) -> list[str]:
    """Those of the files that are no text in UTF-8."""
    found = []
    for file in files:
        try:
            Path(file).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            found.append(file)
        except OSError:
            continue
    return found


def united(files: Iterable[ConfigFile]) -> dict[str, dict[str, str]]:
    """The values of all files, each the last one that is given."""
    found: dict[str, dict[str, str]] = {}
    for file in files:
        for group, options in file.sections.items():
            found.setdefault(group, {}).update({name: values[-1] for name, values in options.items()})
    return found


def unknown_options(files: Iterable[ConfigFile], known: Mapping[str, set[str]]) -> list[str]:
    """A sentence for each option that nothing reads, with the likely spelling; in groups that are known only."""
    found = []
    for path, sections in files:
        for group in sorted(sections.keys() & known.keys()):
            # In a file oslo.config reads no name with a dash, though the command line knows it.
            for name in sorted(sections[group].keys() - known[group]):
                near = get_close_matches(name, known[group], 1)
                meant = f"did you mean {near[0]}?" if near else "correct it or take it out"
                found.append(f"{path}: [{group}] has no option {name}; {meant}")
    return found


def unknown_groups(files: Iterable[ConfigFile], known: Iterable[str], others: Iterable[str]) -> list[str]:
    """A sentence for each group that nothing reads and that is spelled nearly as one that is; ``others`` may be there.

    >>> unknown_groups([ConfigFile("f", {"keystone-auth": {}, "prometheus": {}})], ["keystone_auth"], [])
    ['f: there is no group [keystone-auth]; did you mean [keystone_auth]?']
    """
    meant = {group.lower(): group for group in (*others, *known)}
    found = []
    for path, sections in files:
        for group in sorted(sections):
            near = get_close_matches(group.lower(), meant, 1, NEARLY) if group.lower() not in meant or group == "default" else []
            found += [f"{path}: there is no group [{group}]; did you mean [{meant[name]}]?" for name in near]
    return found


def known_names(declared: Declared) -> dict[str, set[str]]:
    """By group, every spelling of each option, with its names of older releases."""
    known: dict[str, set[str]] = {"DEFAULT": set()}
    for group, options in declared:
        names = {name.replace("-", "_") for option in options for name in (option.name, option.dest)}
        known.setdefault(group or "DEFAULT", set()).update(names)
    for old_group, name in _old_names(declared):
        known.setdefault(old_group, set()).add(name)
    return known


def old_names(files: Iterable[ConfigFile], declared: Declared) -> list[str]:
    """A sentence for each option of the files that has another name now."""
    return [
        f"{file.path}: [{group}] {name} is a name of an older release; write {now} in [{now_group}]"
        for (group, name), (now_group, now) in _old_names(declared).items()
        for file in files
        if name in file.sections.get(group, {})
    ]


def _old_names(declared: Declared) -> dict[tuple[str, str], tuple[str, str]]:
    """Group and name in older releases -> group and name now."""
    return {
        (old.group or group or "DEFAULT", (old.name or option.dest).replace("-", "_")): (group or "DEFAULT", option.dest)
        for group, options in declared
        for option in options
        for old in option.deprecated_opts
    }


def given(arguments: Iterable[str], options: Iterable[cfg.Opt]) -> set[str]:
    """The options that a command line names, also by an old name, by the start of a name, or turned off.

    >>> sorted(given(["--projects=a", "--nodry-run", "x"], [cfg.ListOpt("projects"), cfg.BoolOpt("dry-run")]))
    ['dry_run', 'projects']
    """
    spellings = {
        name.replace("-", "_"): option.dest
        for option in options
        for plain in (option.name, *(old.name for old in option.deprecated_opts if old.name))
        for name in (plain, f"no{plain}")
    }
    words = {argument[2:].partition("=")[0].replace("-", "_") for argument in arguments if argument.startswith("--")}
    near = ([word] if word in spellings else [name for name in spellings if word and name.startswith(word)] for word in words)
    return {spellings[name] for names in near for name in names}


def values_of(option: str, arguments: Sequence[str]) -> list[str]:
    """The values that a command line gives an option, in both forms.

    >>> values_of("--config-file", ["--config-file", "a", "--config-file=b"])
    ['a', 'b']
    """
    apart = [value for name, value in pairwise(arguments) if name == option]
    return apart + [word.partition("=")[2] for word in arguments if word.startswith(f"{option}=")]


def old_arguments(arguments: Iterable[str], options: Iterable[cfg.Opt]) -> list[str]:
    """A sentence for each argument of a command line that has another name now."""
    words = {argument.partition("=")[0] for argument in arguments}
    names = {f"--{old.name}": option.name for option in options for old in option.deprecated_opts if old.name}
    return [f"{old} is a name of an older release; write --{now}" for old, now in names.items() if old in words]
