"""The private ConfigOpts of a command, made of the one list of options.

What --help shows are the options of caso itself. Those of credentials and plug-ins come with their libraries, which
take longer to import than all else: they are left until the command line is read, as it may ask for no more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from oslo_config import cfg
from oslo_log import log

from caso import __version__, spelling
from caso.complaints import quiet, sentences, values_of_files
from caso.options import COMMAND_OPTIONS, GROUPS, MAIN
from caso.plugins import EXTRACTORS, MESSENGERS

PURPOSE = {
    "caso-extract": "Extract what the cloud's projects used since the last run, and hand the records to the messengers.",
    "caso-projects": "Show the projects that are accounted for, their VOs, and how far each is extracted.",
    "caso-doctor": "Examine this site: configuration, credentials, cloud, store and recipients. It changes nothing.",
    "caso-reconcile": "Hold a month of the ledger against Nova's own usage and a listing made now, and say why they differ.",
    "caso-mapping-migrate": "Write the VOs of mapping_file to the projects in Keystone. Only shows them, unless --no-dry-run.",
    "caso-almanach-import": "Move in what Almanach's database knows, as mongoexport wrote it. Doing it again changes nothing.",
    "caso-explain": "Say why the numbers of a server or volume are what they are: its intervals, the arithmetic, its records.",
    "caso-collect": "Take what OpenStack's services notified of servers and volumes from the queue, and keep it.",
    "caso-api": "Answer over HTTP what is known of servers and volumes, and keep what people write of them.",
    "caso-ledger": "Show which records are held, and what became of them with each messenger; send them again, or never mind.",
}

USES: Mapping[str, tuple[str, ...]] = {"caso-collect": ("notifications",)}
"""The extractors that a command uses whether or not a run asks them."""

EPILOG = (
    "Options may be spelled with - or _. Exit status: 0 all is done; 1 something is left, the next run tries it again; "
    "2 nothing was started."
)


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    """Every option of caso and of the plug-ins installed, by group: what the sample file is made of."""
    from caso import declared

    return declared.installed_options()


class Configuration(cfg.ConfigOpts):
    """The options of one command.

    ``remarks`` say what to write in place of names of older releases.
    """

    def __init__(self) -> None:
        super().__init__()
        self.remarks: list[str] = []
        self._places: dict[str, cfg.LocationInfo] = {}

    def place(self, option: str, location: cfg.Locations) -> None:
        """Say where the value of an option comes from, where oslo.config does not know it."""
        self._places[option] = cfg.LocationInfo(location, "")

    def get_location(self, name: str, group: str | None = None) -> cfg.LocationInfo | None:
        place = self._places.get(name) if group is None else None
        return place or super().get_location(name, group)

    def typed(self, option: str) -> bool:
        """True when the option was given on the command line, by whoever meant this command."""
        where = self.get_location(option)
        return where is not None and where.location is cfg.Locations.command_line

    def spoken(self, option: str) -> bool:
        """True when the option was given for this one run, by the command line or the environment."""
        where = self.get_location(option)
        return where is not None and where.location in (cfg.Locations.command_line, cfg.Locations.environment)


def build(
    argv: Sequence[str], prog: str, files: Sequence[str] | None = None, subcommands: cfg.SubCommandOpt | None = None
) -> Configuration:
    """The configuration of one command: its files and its command line, nothing global.

    ``files`` stands for the usual places (/etc/caso/caso.conf and the like); ``subcommands`` are those of this
    command, where it has some. Raises ConfigError naming the option, the value and the choices; leaves with SystemExit
    for --help and for unknown arguments.
    """
    own = COMMAND_OPTIONS.get(prog, ())
    conf = _registered([*MAIN, *own, *([subcommands] if subcommands is not None else [])])
    arguments = dashed(argv)
    found = cfg.find_config_files(project="caso", prog="caso") if files is None else list(files)
    parse = partial(
        conf,
        args=arguments,
        project="caso",
        prog=prog,
        usage=" ".join(["%(prog)s [OPTION]...", *(["COMMAND [ARGUMENT]..."] if subcommands else _positional(own))]),
        version=__version__,
        default_config_files=found,
        default_config_dirs=None if files is None else [],
        description=PURPOSE.get(prog),
        epilog=EPILOG,
    )
    given = spelling.given(arguments, [*MAIN, *own])
    folders = [] if files is not None else cfg.find_config_dirs(project="caso", prog="caso")
    with sentences(spelling.named(arguments, found, folders)), quiet():
        with values_of_files(arguments, found, given):
            parse()
        _command_line_first(conf, parse, given)
        _take_over(conf, arguments, prog)
    return conf


def _positional(options: Iterable[cfg.Opt]) -> list[str]:
    return [option.name.upper() for option in options if option.positional]


def _registered(arguments: Iterable[cfg.Opt]) -> Configuration:
    """A configuration with the options that the command line may name, and those of caso itself."""
    conf = Configuration()
    conf.register_cli_opts(arguments)
    log.register_options(conf)
    for group, options in GROUPS.items():
        conf.register_opts(options, group=group)
    return conf


def _command_line_first(conf: Configuration, parse: Callable[..., None], given: Iterable[str]) -> None:
    """Let the command line count more than the environment, and say that these options come from it.

    Where a file has the option as well, oslo.config names the file, and takes the value of the environment if it has one.
    """
    locations = {option: conf.get_location(option) for option in given}
    if any(place and place.location is cfg.Locations.environment for place in locations.values()):
        parse(use_env=False)
        values = {option: conf[option] for option in given}
        parse()
        for option, value in values.items():
            conf.set_override(option, value)
    for option in given:
        conf.place(option, cfg.Locations.command_line)


def _take_over(conf: Configuration, arguments: Sequence[str], prog: str) -> None:
    """Register what is left to register, turn words of older releases into those of this one, and read every value."""
    from caso import almanach_options, declared, legacy
    from caso.sources.credentials import register_auth_options

    register_auth_options(conf)
    files = spelling.read_files(conf)
    sections = spelling.united(files)
    messengers = list(conf.messengers)
    for option, group in (("extractor", EXTRACTORS), ("messengers", MESSENGERS)):
        found = legacy.current_names(option, group, conf[option])
        conf.remarks += found.remarks
        if found.names != conf[option]:
            conf.set_override(option, found.names)
    mapping = sections.get("extractor", {}).get("mapping_file")
    where = conf.get_location("mapping_file")
    if mapping and not (where and where.location.is_user_controlled):
        conf.set_override("mapping_file", mapping)
        conf.place("mapping_file", cfg.Locations.user)
        conf.remarks.append("[extractor] mapping_file is a name of an older release; write mapping_file in [DEFAULT]")
    conf.remarks += legacy.take_extractor_group(conf, sections)
    declared.register_plugins(conf, USES.get(prog, ()))
    legacy.unite_record_types(conf, messengers, sections)
    conf.remarks += almanach_options.take(conf, sections, os.environ, prog)
    conf.remarks += spelling.old_arguments(arguments, MAIN)
    conf.remarks += spelling.old_names(files, declared.options_of(conf))
    declared.read_all(conf)


def dashed(argv: Iterable[str]) -> list[str]:
    """The arguments with both spellings made one: ``--extract_from=X`` is ``--extract-from=X``; values stay as they are.

    >>> dashed(["--extract_from=2024_01", "--dry_run", "a_b"])
    ['--extract-from=2024_01', '--dry-run', 'a_b']
    >>> dashed(["--no-dry-run"])
    ['--nodry-run']
    """
    return [_dash(argument) if argument.startswith("--") else argument for argument in argv]


def _dash(argument: str) -> str:
    name, equals, value = argument.partition("=")
    if name == "--shell_completion":
        return argument  # oslo.config's own, the only one that it spells with an underscore
    name = name.replace("_", "-")
    return ("--no" + name.removeprefix("--no-") if name.startswith("--no-") else name) + equals + value
