"""The one list of options, and the private ConfigOpts made of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from importlib import metadata

from oslo_config import cfg
from oslo_log import log

from caso import __version__, plugins
from caso.errors import ConfigError
from caso.extractors.base import Extractor
from caso.messengers.base import Messenger
from caso.plugins import EXTRACTORS, MESSENGERS
from caso.projects import VO_PROPERTIES
from caso.sources.credentials import auth_option_names, list_auth_opts, register_auth_options

PURPOSE = {
    "caso-extract": "Extract what the cloud's projects used since the last run, and hand the records to the messengers.",
    "caso-projects": "Show the projects that are accounted for, their VOs, and how far each is extracted.",
}

MAIN = (
    cfg.ListOpt("extractor", default=["nova"], help="Extractors to ask, by name: where usage comes from."),
    cfg.ListOpt("messengers", default=["noop"], help="Messengers that carry the records, by name: who gets them."),
    cfg.StrOpt("site-name", help="Name of the site as in GOCDB. Every record carries it."),
    cfg.StrOpt(
        "service-name",
        help="Name of the cloud service as in GOCDB (CloudComputeService). Not set: the site's name.",
    ),
    cfg.StrOpt("cloud-type", default="OpenStack", help="CloudType of the records."),
    cfg.ListOpt(
        "projects",
        default=[],
        help="Projects to account for, by id or name, besides those that carry the tag of caso_tag.",
    ),
    cfg.StrOpt("caso-tag", default="caso", help="Keystone projects with this tag are accounted for. Empty: none by tag."),
    cfg.ListOpt(
        "vo-property",
        default=list(VO_PROPERTIES),
        help="Names of the Keystone project property that holds the VO; the first one that a project has is taken.",
    ),
    cfg.StrOpt(
        "mapping-file",
        default="/etc/caso/voms.json",
        help="JSON file from VO to projects, asked for projects without a VO property.",
    ),
    cfg.StrOpt("spooldir", default="/var/spool/caso", help="Directory where caso keeps what it remembers."),
    cfg.StrOpt(
        "extract-from",
        help="Extract again from this date (UTC unless it carries a zone), or from the beginning of time: None. "
        "Not set: each project goes on from where it ended. The checkpoints of projects that have one stay where they are.",
    ),
    cfg.StrOpt("extract-to", help="Extract up to this date (UTC unless it carries a zone). Not set: now."),
    cfg.BoolOpt("dry-run", default=False, help="Show what would be sent, per project, VO and kind; change nothing."),
    cfg.BoolOpt("summary", default=False, help="Print the summary tables also where the output is no terminal."),
    cfg.StrOpt("os-cloud", help="Name of a cloud in clouds.yaml, instead of the group keystone_auth."),
    cfg.ListOpt("region-name", default=[], help="Regions to account for. Not set: every region of the catalog with a Nova."),
    cfg.StrOpt(
        "interface",
        choices=["public", "internal", "admin"],
        help="Which endpoints of the catalog to use. Not set: as clouds.yaml says, else the public ones.",
    ),
    cfg.IntOpt("threads", default=4, min=1, max=64, help="Questions to the APIs at a time."),
    cfg.StrOpt("lock-path", help="Where cASO kept its lock file. Not read any more: locks are leases in the store."),
)

STORE = (
    cfg.StrOpt(
        "connection",
        secret=True,
        help="SQLAlchemy URL of the store. Not set: SQLite, the file caso.sqlite in spooldir.",
    ),
    cfg.IntOpt("keep_months", default=13, min=2, help="Months that sent records are kept, to compare and send again."),
)

ACCOUNTING = (
    cfg.ListOpt(
        "suspended_states",
        default=["SUSPENDED", "SHELVED_OFFLOADED"],
        help="Nova states whose seconds are suspend seconds: the server holds no resources then.",
    ),
)


def messenger_options(names: Sequence[str]) -> dict[str, tuple[cfg.Opt, ...]]:
    """The options that every messenger has, in the group messenger_NAME."""
    return {
        f"messenger_{name}": (
            cfg.ListOpt("record_types", help=f"Kinds of record for {name}. Not set: those it takes by nature."),
            cfg.StrOpt(
                "replay",
                default="all",
                choices=["all", "none"],
                help="What is due when this messenger is new or comes back: all records held, or none.",
            ),
        )
        for name in names
    }


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    """Every option of caso and of the plug-ins installed, by group: what the sample file is made of."""
    extractors = plugins.load_all(EXTRACTORS, plugins.names(EXTRACTORS), Extractor)
    messengers = plugins.load_all(MESSENGERS, plugins.names(MESSENGERS), Messenger)
    return [
        *((group, list(options)) for group, options in _own_options()),
        *plugins.options_of({**extractors}),
        *plugins.options_of({**messengers}),
        *((group, list(options)) for group, options in messenger_options(sorted(messengers)).items()),
    ]


def build(argv: Sequence[str], prog: str, files: Sequence[str] | None = None) -> cfg.ConfigOpts:
    """The configuration of one command: its files and its command line, nothing global.

    ``files`` stands for the usual places (/etc/caso/caso.conf and the like). Raises ConfigError
    naming the option, the value and the choices; leaves with SystemExit for --help and for unknown arguments.
    """
    conf = cfg.ConfigOpts()
    conf.register_cli_opts(MAIN)
    log.register_options(conf)
    conf.register_opts(STORE, group="store")
    conf.register_opts(ACCOUNTING, group="accounting")
    register_auth_options(conf)
    found = cfg.find_config_files(project="caso", prog="caso") if files is None else list(files)
    try:
        conf(
            args=dashed(argv),
            project="caso",
            prog=prog,
            usage="%(prog)s [OPTION]...",
            version=__version__,
            default_config_files=found,
            default_config_dirs=None if files is None else [],
            description=PURPOSE.get(prog),
            epilog="Options may be spelled with - or _. Exit status: 0 all is done; 1 something is left, the next run tries it "
            "again; 2 nothing was started.",
        )
        _register_plugins(conf)
        _read_all(conf)
    except (cfg.ConfigFilesNotFoundError, cfg.ConfigFilesPermissionDeniedError) as exc:
        files = ", ".join(dict.fromkeys(exc.config_files))
        raise ConfigError(f"cannot read {files}; check the path, and that this user may read it") from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"cannot read the configuration: {exc}; it has to be a text file in UTF-8") from exc
    except cfg.Error as exc:
        raise ConfigError(_plain(str(exc))) from exc
    return conf


def _plain(text: str) -> str:
    """oslo.config's words without the repr of its LocationInfo.

    >>> _plain("Value for option a from LocationInfo(location=<Locations.user: (4, True)>, detail='/etc/x') is not valid: b")
    'Value for option a from /etc/x is not valid: b'
    """
    return re.sub(r"LocationInfo\(location=.*?, detail='(.*?)'\)", r"\1", text)


def unknown_options(conf: cfg.ConfigOpts) -> list[str]:
    """A sentence for each option of the files that nothing reads, with the likely spelling; in groups that are known only."""
    known = _known_names(conf)
    found = []
    for path in conf.config_file or []:
        sections: dict[str, dict[str, list[str]]] = {}
        cfg.ConfigParser(path, sections).parse()
        for group in sorted(sections.keys() & known.keys()):
            for name in sorted({name.replace("-", "_") for name in sections[group]} - known[group]):
                near = get_close_matches(name, known[group], 1)
                meant = f"did you mean {near[0]}?" if near else "correct it or take it out"
                found.append(f"{path}: [{group}] has no option {name}; {meant}")
    return found


def _known_names(conf: cfg.ConfigOpts) -> dict[str, set[str]]:
    """By group, every spelling of each option that this configuration may have, with names of older releases."""
    (logging,) = metadata.entry_points(group="oslo.config.opts", name="oslo.log")
    plugged = {**_extractors(conf), **_messengers(conf)}
    declared = [*_own_options(), *plugins.options_of(plugged), *messenger_options(conf.messengers).items(), *logging.load()()]
    known: dict[str, set[str]] = {"keystone_auth": auth_option_names(conf), "DEFAULT": set()}
    for group, options in declared:
        names = {name for option in options for name in (option.name, option.dest or option.name)}
        known.setdefault(group or "DEFAULT", set()).update(name.replace("-", "_") for name in names)
        for old in (old for option in options for old in option.deprecated_opts if old.name):
            known.setdefault(old.group or group or "DEFAULT", set()).add(old.name.replace("-", "_"))
    return known


def _own_options() -> list[tuple[str | None, Sequence[cfg.Opt]]]:
    return [(None, MAIN), ("store", STORE), ("accounting", ACCOUNTING), ("keystone_auth", list_auth_opts())]


def _extractors(conf: cfg.ConfigOpts) -> dict[str, type[Extractor]]:
    return plugins.load_all(EXTRACTORS, conf.extractor, Extractor)


def _messengers(conf: cfg.ConfigOpts) -> dict[str, type[Messenger]]:
    return plugins.load_all(MESSENGERS, conf.messengers, Messenger)


def dashed(argv: Iterable[str]) -> list[str]:
    """The arguments with both spellings made one: ``--extract_from=X`` is ``--extract-from=X``; values stay as they are.

    >>> dashed(["--extract_from=2024_01", "--dry_run", "a_b"])
    ['--extract-from=2024_01', '--dry-run', 'a_b']
    """
    return [_dash(argument) if argument.startswith("--") else argument for argument in argv]


def _dash(argument: str) -> str:
    name, equals, value = argument.partition("=")
    # oslo.config's own, the only one that it spells with an underscore.
    return argument if name == "--shell_completion" else name.replace("_", "-") + equals + value


def _register_plugins(conf: cfg.ConfigOpts) -> None:
    """The options of the plug-ins that this configuration names; the others are not even imported."""
    for option, group in (("extractor", EXTRACTORS), ("messengers", MESSENGERS)):
        if not conf[option]:
            raise ConfigError(f"{option} is empty; name at least one of {', '.join(plugins.names(group))}")
    extractors, messengers = _extractors(conf), _messengers(conf)
    for name in [*extractors, *messengers]:
        conf.register_group(cfg.OptGroup(name))
    for group, options in [*plugins.options_of({**extractors}), *plugins.options_of({**messengers})]:
        conf.register_opts(options, group=group)
    for group, common in messenger_options(conf.messengers).items():
        conf.register_opts(common, group=group)


def _read_all(conf: cfg.ConfigOpts) -> None:
    """Read every value once: oslo.config checks a value of a file only when it is read."""
    for name in conf:
        value = conf[name]
        if isinstance(value, cfg.ConfigOpts.GroupAttr):
            for option in value:
                value[option]
