"""The options of caso itself; those of plug-ins are on their classes, those of credentials in ``sources.credentials``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from oslo_config import cfg

from caso.lanes import AT_ONCE
from caso.projects import VO_PROPERTIES

MAIN = (
    cfg.ListOpt("extractor", default=["nova", "cinder", "neutron"], help="Extractors to ask, by name: where usage comes from."),
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
        deprecated_opts=[cfg.DeprecatedOpt("tenants")],
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
    cfg.BoolOpt(
        "write-lastrun",
        default=False,
        help="Keep cASO's lastrun files in spooldir current, so that cASO can go on from there at any time.",
    ),
    cfg.StrOpt(
        "extract-from",
        help="Extract again from this date (UTC unless it carries a zone), or from the beginning of time: None. "
        "Not set: each project goes on from where it ended. The checkpoints of projects that have one stay where they are.",
    ),
    cfg.StrOpt("extract-to", help="Extract up to this date (UTC unless it carries a zone). Not set: now."),
    cfg.BoolOpt("dry-run", default=False, help="Show what would be sent, per project, VO and kind; change nothing."),
    cfg.BoolOpt("summary", default=False, help="Print the summary tables also where the output is no terminal."),
    cfg.StrOpt("os-cloud", help="Name of a cloud in clouds.yaml, instead of the group keystone_auth."),
    cfg.ListOpt(
        "region-name",
        default=[],
        help="Regions to account for. Not set: every region of the catalog with a service that is asked.",
    ),
    cfg.StrOpt(
        "interface",
        choices=["public", "internal", "admin"],
        help="Which endpoints of the catalog to use. Not set: as clouds.yaml says, else the public ones.",
    ),
    cfg.IntOpt("threads", default=8, min=1, max=64, help="Questions to the APIs at a time, to all of them together."),
    cfg.IntOpt(
        "threads-per-service",
        default=AT_ONCE,
        min=1,
        max=64,
        help="Questions at a time to one service of a region, be it Nova or Keystone: a slow one holds back only itself.",
    ),
    cfg.IntOpt(
        "deadline",
        default=10800,
        min=0,
        help="Seconds after which a run asks the APIs nothing more: what was seen by then is accounted for and sent, the rest is "
        "left to the next run. 0: no end.",
    ),
    cfg.StrOpt("lock-path", help="Where cASO kept its lock file. Not read any more: locks are leases in the store."),
)

STORE = (
    cfg.StrOpt(
        "connection",
        secret=True,
        help="URL of the store: sqlite:////PATH, postgresql://USER:PASSWORD@HOST/DATABASE or "
        "mariadb://USER:PASSWORD@HOST/DATABASE. Not set: SQLite, the file caso.sqlite in spooldir.",
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


METRICS = (
    cfg.StrOpt(
        "textfile",
        help="File in which each run leaves its metrics, for the textfile collector of node_exporter; its name has to "
        "end in .prom, like /var/lib/prometheus/node-exporter/caso.prom. Not set: none.",
    ),
)

API = (
    cfg.StrOpt("bind_ip", default="127.0.0.1", help="Address that caso-api listens at. TLS is for a server in front of it."),
    cfg.PortOpt("bind_port", default=8000, help="Port that caso-api listens at."),
    cfg.IntOpt("threads", default=4, min=1, max=64, help="Requests that caso-api answers at a time."),
    cfg.IntOpt(
        "max_body_bytes", default=1024 * 1024, min=1024, help="Bytes of a request's body at most; a larger one is refused (413)."
    ),
    cfg.StrOpt(
        "region_name",
        help="Region of what is written through the API and is not known yet. Not set: the only one that the store knows of, "
        "else the first of region_name in [DEFAULT].",
    ),
)

AUTH = (
    cfg.StrOpt(
        "strategy",
        default="private_key",
        deprecated_opts=[cfg.DeprecatedOpt("auth_strategy", group="ALMANACH")],
        help="Who may use caso-api: private_key, keystone, or both, as in private_key,keystone: who has the key, and who has a "
        "token of Keystone.",
    ),
    cfg.StrOpt(
        "private_key",
        secret=True,
        deprecated_opts=[cfg.DeprecatedOpt("auth_token", group="ALMANACH")],
        help="The key that callers send in X-Auth-Token; who has it may read and write all. There is no default, and Almanach's "
        "(secret) is refused.",
    ),
    cfg.ListOpt("admin_roles", default=["admin"], help="Roles of Keystone that may read and write the use of all projects."),
    cfg.ListOpt(
        "service_roles", default=["service"], help="Roles of other services, a billing system, that may read and write the same."
    ),
    cfg.ListOpt(
        "reader_roles",
        default=["reader", "member"],
        help="Roles of Keystone that may read the use of the project that the token is for.",
    ),
)

ENTITIES = (
    cfg.IntOpt(
        "instance_existence_threshold",
        default=900,
        min=0,
        help="Seconds: a server of which nothing but its end is known is not shown by caso-api's v1 if it lived less.",
    ),
    cfg.IntOpt(
        "volume_existence_threshold",
        default=60,
        min=0,
        deprecated_opts=[cfg.DeprecatedOpt("volume_existence_threshold", group="ALMANACH")],
        help="Seconds: v1 shows no row of its own for what a volume was for less, before it was attached, detached or deleted.",
    ),
    cfg.ListOpt(
        "instance_metadata",
        default=[],
        deprecated_opts=[cfg.DeprecatedOpt("device_metadata_whitelist", group="ALMANACH")],
        help="Keys of a server's metadata that caso-api shows.",
    ),
    cfg.ListOpt("instance_image_meta", default=[], help="Keys of what an image says of itself that caso-api shows of servers."),
)
"""Almanach's names, and its defaults."""

GROUPS: Mapping[str, tuple[cfg.Opt, ...]] = {
    "store": STORE,
    "accounting": ACCOUNTING,
    "metrics": METRICS,
    "api": API,
    "auth": AUTH,
    "entities": ENTITIES,
}
"""The options of caso that are in groups, by group."""


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


COMMAND_OPTIONS: Mapping[str, tuple[cfg.Opt, ...]] = {
    "caso-extract": (
        cfg.BoolOpt(
            "resume",
            default=False,
            help="Go on with extracting the past again where a run was interrupted: with the stretch that extract_from and "
            "extract_to name, else with all that was left.",
        ),
        cfg.BoolOpt("json", default=False, help="With --dry-run: print every single difference as JSON, in place of the tables."),
        cfg.IntOpt(
            "limit", min=0, help="With --dry-run: how many single differences to list for each messenger; 0: all. Not set: 50."
        ),
    ),
    "caso-collect": (
        cfg.BoolOpt("follow", default=False, help="Go on for ever: keep each message as it comes. SIGTERM ends it."),
        cfg.StrOpt(
            "dead",
            choices=["list", "retry", "drop"],
            help="What to do with messages that were not understood: list them and why, read them again, or never mind them.",
        ),
        cfg.MultiStrOpt("only-message", default=[], metavar="ID", help="With --dead: only the message with this id."),
        cfg.BoolOpt("json", default=False, help="With --dead list: print JSON, for scripts."),
    ),
    "caso-doctor": (
        cfg.BoolOpt("brief", default=False, help="Only what is found, without what was looked at and is well."),
        cfg.BoolOpt("json", default=False, help="Print JSON in place of the list, for scripts."),
    ),
    "caso-projects": (cfg.BoolOpt("json", default=False, help="Print JSON in place of the table, for scripts."),),
    "caso-explain": (
        cfg.StrOpt(
            "uuid", positional=True, required=True, help="Id of a server or volume, or the first 8 characters of it, or more."
        ),
        cfg.StrOpt("month", metavar="YYYY-MM", help="Only the arithmetic and the records of this month."),
        cfg.BoolOpt("json", default=False, help="Print JSON, for scripts."),
    ),
    "caso-reconcile": (
        cfg.StrOpt("month", metavar="YYYY-MM", help="Month to compare. Not set: the current one, up to where it is extracted."),
        cfg.MultiStrOpt(
            # oslo.config keeps the name project for itself, but as another name of an option.
            "only-project",
            default=[],
            deprecated_opts=[cfg.DeprecatedOpt("project")],
            metavar="ID",
            help="Compare this project only, by id or name; may be given several times.",
        ),
        cfg.BoolOpt("servers", default=False, help="Also list the servers that differ, each with its causes."),
        cfg.BoolOpt("json", default=False, help="Print JSON in place of the tables, for scripts."),
    ),
    "caso-mapping-migrate": (
        cfg.BoolOpt("migrate-projects", default=False, help="Also give the projects of the option projects the tag caso_tag."),
        cfg.BoolOpt("force", default=False, help="Also set the VO of projects that have another one."),
    ),
    "caso-almanach-import": (
        cfg.MultiStrOpt(
            "file",
            positional=True,
            default=[],
            help="What mongoexport wrote of Almanach's collections entity and volume_type, in any order; - for standard input.",
        ),
    ),
}
"""What only one command understands, and only its command line."""
