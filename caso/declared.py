"""Every option that there is: those of caso, of its credentials and of plug-ins. To know these is to import them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from oslo_config import cfg

from caso import almanach_options, legacy, plugins, spelling
from caso.errors import ConfigError
from caso.extractors.base import Extractor
from caso.messengers.base import Messenger
from caso.options import COMMAND_OPTIONS, GROUPS, MAIN, messenger_options
from caso.plugins import EXTRACTORS, MESSENGERS
from caso.sources.credentials import auth_option_names, list_auth_opts, reading


def installed_options() -> list[tuple[str | None, list[cfg.Opt]]]:
    """The options of caso and of the plug-ins installed, by group."""
    extractors = plugins.load_installed(EXTRACTORS, Extractor)
    messengers = plugins.load_installed(MESSENGERS, Messenger)
    return [
        *((group, list(options)) for group, options in _own_options()),
        *_plugged(extractors, messengers),
    ]


def options_of(conf: cfg.ConfigOpts) -> list[tuple[str | None, Sequence[cfg.Opt]]]:
    """Every option that this configuration may have."""
    (logging_options,) = (entry for entry in plugins.entries("oslo.config.opts") if entry.name == "oslo.log")
    commands = [(None, options) for options in COMMAND_OPTIONS.values()]
    return [*_own_options(), *commands, *_plugged(_extractors(conf), _messengers(conf)), *logging_options.load()()]


def unknown_options(conf: cfg.ConfigOpts) -> list[str]:
    """A sentence for each option of the files that nothing reads, with the likely spelling; in groups that are known only."""
    known = spelling.known_names(options_of(conf))
    known["keystone_auth"] |= auth_option_names(conf)
    known["extractor"] = set(legacy.EXTRACTOR_GROUP)
    # What stands in groups of Almanach is taken, or remarked on.
    known = {group: names for group, names in known.items() if group not in almanach_options.GROUPS}
    files = spelling.read_files(conf)
    return [*spelling.unknown_groups(files, known, _groups_of_others(conf)), *spelling.unknown_options(files, known)]


def register_plugins(conf: cfg.ConfigOpts, extractors_besides: Iterable[str] = ()) -> None:
    """The options of the plug-ins that this configuration names, and of some besides; the others are not even imported."""
    for option, group in (("extractor", EXTRACTORS), ("messengers", MESSENGERS)):
        if not conf[option]:
            raise ConfigError(f"{option} is empty; name at least one of {', '.join(plugins.names(group))}")
    named = list(dict.fromkeys([*conf.extractor, *extractors_besides]))
    extractors, messengers = plugins.load_all(EXTRACTORS, named, Extractor), _messengers(conf)
    for name in [*extractors, *messengers]:
        conf.register_group(cfg.OptGroup(name))
    for group, options in _plugged(extractors, messengers):
        conf.register_opts(options, group=group)


def read_all(conf: cfg.ConfigOpts) -> None:
    """Read every value once: oslo.config checks a value of a file only when it is read."""
    for name in conf:
        with reading(f"[DEFAULT] {name}"):
            value = conf[name]
        if isinstance(value, cfg.ConfigOpts.GroupAttr):
            for option in value:
                with reading(f"[{name}] {option}"):
                    value[option]


def _groups_of_others(conf: cfg.ConfigOpts) -> set[str]:
    """Groups that may stand in a file and that this configuration does not read."""
    messengers = plugins.names(MESSENGERS)
    old = (group for groups in legacy.OLD_GROUPS.values() for group in groups)
    credentials = conf.keystone_auth.auth_section or "keystone_auth"
    return {
        *plugins.names(EXTRACTORS),
        *messengers,
        *messenger_options(messengers),
        *old,
        credentials,
        *almanach_options.GROUPS,
        "keystone_authtoken",
    }


def _plugged(
    extractors: Mapping[str, type[Extractor]], messengers: Mapping[str, type[Messenger]]
) -> list[tuple[str, list[cfg.Opt]]]:
    """The options of plug-ins, and those that every messenger has."""
    common = [(group, list(options)) for group, options in messenger_options(sorted(messengers)).items()]
    return legacy.with_old_groups([*plugins.options_of({**extractors}), *plugins.options_of({**messengers}), *common])


def _own_options() -> list[tuple[str | None, Sequence[cfg.Opt]]]:
    return [(None, MAIN), *GROUPS.items(), ("keystone_auth", list_auth_opts())]


def _extractors(conf: cfg.ConfigOpts) -> dict[str, type[Extractor]]:
    """Those that a run asks, and those that this command uses besides: their options are registered."""
    besides = [name for name in plugins.names(EXTRACTORS) if name in conf]
    return plugins.load_all(EXTRACTORS, dict.fromkeys([*conf.extractor, *besides]), Extractor)


def _messengers(conf: cfg.ConfigOpts) -> dict[str, type[Messenger]]:
    return plugins.load_all(MESSENGERS, conf.messengers, Messenger)
