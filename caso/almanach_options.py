"""What configurations of Almanach 3.x and 4.x say in other words, or of what there is no more, and what becomes of it.

What only has another name now is among the deprecated names of caso's options: in [auth], [entities] and [notifications].
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from oslo_config import cfg

from caso.errors import ConfigError
from caso.legacy import Sections, v3
from caso.sources.credentials import set_login

GROUPS = frozenset({"ALMANACH", "MONGODB", "RABBITMQ", "KEYSTONE", "collector", "database"})
"""The groups of Almanach 3.x and 4.x that are none of caso's: what stands in them is either read here, or remarked on."""
AUTHTOKEN = "keystone_authtoken"
LISTENING = "notifications"
TOPIC = "almanach"

MOVE_IN = "since there is no MongoDB: caso-almanach-import moves in"
WAITS = "since messages wait in the store"
QUEUES = "since topic or queue in [notifications] is enough"

NOT_READ = (
    ("collector", r"(max|min)_retries|retry_delay", WAITS),
    ("collector", "thread_pool_size", "since messages are kept many at a time"),
    ("database", ".*", MOVE_IN),
    ("MONGODB", ".*", MOVE_IN),
    ("RABBITMQ", r"retry\..*|dead\..*", WAITS),
    ("RABBITMQ", r"exchange|routing\.key", QUEUES),
)
"""By group, names as a pattern, and why they mean nothing any more."""

IMAGE_META = ("distro", "version", "os_type")
"""What 3.x kept of images, whatever it was told."""

WITH_ENVIRONMENT = frozenset({"caso-api", "caso-collect"})
"""The commands that take the place of Almanach's: no cron job is to be changed by a stray variable."""

VARIABLES: Mapping[str, tuple[str, str]] = {
    "ALMANACH_AUTH_TOKEN": ("auth", "private_key"),
    "ALMANACH_AUTH_STRATEGY": ("auth", "strategy"),
    "ALMANACH_VOLUME_EXISTENCE_THRESHOLD": ("entities", "volume_existence_threshold"),
    "ALMANACH_DEVICE_METADATA_WHITELIST": ("entities", "instance_metadata"),
    "RABBITMQ_URL": (LISTENING, "transport_url"),
    "RABBITMQ_QUEUE": (LISTENING, "queue"),
}
"""3.x let variables SECTION_OPTION count more than its file: the group and option that each is now."""
LOST_VARIABLES = ("MONGODB_URL", "MONGODB_DATABASE", "MONGODB_INDEXES")

LOGIN: Mapping[str, str] = {"username": "username", "password": "password", "tenant_name": "project_name", "auth_url": "auth_url"}
"""The options of [KEYSTONE], and what they are in [keystone_authtoken]."""


class _Given(NamedTuple):
    """A variable of 3.x, and the option that it is now."""

    name: str
    value: str
    group: str
    option: str

    @property
    def spelled_now(self) -> str:
        return f"OS_{self.group.upper()}__{self.option.upper()}"


def take(conf: cfg.ConfigOpts, sections: Sections, environ: Mapping[str, str], prog: str) -> list[str]:
    """Give caso's options the values that stand in files and variables of Almanach; what to write in their place.

    Options that caso's own names set stay as they are.
    """
    variables = environ if prog in WITH_ENVIRONMENT else {}
    return [
        *_not_read(sections),
        *_take_variables(conf, sections, variables),
        *_take_login(conf, sections, variables),
        *_take_defaults(conf, sections),
    ]


def _not_read(sections: Sections) -> list[str]:
    remarks = []
    for group, pattern, advice in NOT_READ:
        names = [name for name in sections.get(group, {}) if re.fullmatch(pattern, name)]
        if names:
            remarks.append(f"[{group}] {', '.join(names)}: not read, {advice}; take it out")
    return remarks


def _take_variables(conf: cfg.ConfigOpts, sections: Sections, environ: Mapping[str, str]) -> list[str]:
    remarks = [f"{name} in the environment: not read, {MOVE_IN}; take it out" for name in LOST_VARIABLES if environ.get(name)]
    given = [_Given(name, environ[name], *now) for name, now in VARIABLES.items() if environ.get(name)]
    for one in given:
        if one.group not in conf:
            continue
        if _is_set(conf, sections, one.group, one.option):
            remarks.append(f"{one.name} in the environment: not read, since [{one.group}] {one.option} is set; take it out")
            continue
        try:
            # 3.x took a $ for a $.
            conf.set_override(one.option, one.value.replace("$", "$$"), group=one.group)
        except ValueError as exc:
            raise ConfigError(f"{one.name} in the environment: {exc}; correct it, or write {one.spelled_now}") from exc
        remarks.append(f"{one.name} in the environment is a name of an older release; write {one.spelled_now}")
    return remarks


def _is_set(conf: cfg.ConfigOpts, sections: Sections, group: str, option: str) -> bool:
    """Whether an option is given by the name that it has now."""
    where = conf.get_location(option, group)
    spoken = where is not None and where.location in (cfg.Locations.command_line, cfg.Locations.environment)
    return spoken or option in sections.get(group, {})


def _take_login(conf: cfg.ConfigOpts, sections: Sections, environ: Mapping[str, str]) -> list[str]:
    """The login that caso-api asks Keystone with about tokens."""
    told = dict(sections.get("KEYSTONE", {}))
    told |= {name: value for name in LOGIN if (value := environ.get(f"KEYSTONE_{name.upper()}"))}
    told = {name: value for name, value in told.items() if name in LOGIN and value}
    own = sections.get(AUTHTOKEN, {})
    names = ", ".join(told)
    if own.get("auth_url") or own.get("auth_type") or own.get("auth_section"):
        _take_login_of_4(conf, own)
        return [f"[KEYSTONE] {names}: not read, since [{AUTHTOKEN}] has a login; take it out"] if told else []
    if not told:
        return []
    if "auth_url" not in told:
        raise ConfigError(f"[KEYSTONE] {names}: no auth_url; set it in [{AUTHTOKEN}] to Keystone's URL")
    login = {LOGIN[name]: value for name, value in told.items()} | {"auth_url": v3(told["auth_url"])}
    set_login(conf, AUTHTOKEN, "password", {**login, "user_domain_name": "Default", "project_domain_name": "Default"})
    write = "auth_type = password, auth_url, username, password, project_name, user_domain_name, project_domain_name = Default"
    return [f"[KEYSTONE] {names}: names of an older release; write [{AUTHTOKEN}] {write}"]


def _take_login_of_4(conf: cfg.ConfigOpts, own: Mapping[str, str]) -> None:
    """Almanach 4 named no auth_type, which no other service can do without, and had defaults for what is not there."""
    if own.get("auth_type") or own.get("auth_section"):
        return
    defaults: dict[str, str] = {}
    if not any(name.startswith("user_domain") for name in own):
        defaults["user_domain_name"] = "Default"
    if not any(name in own for name in ("project_id", "project_name", "tenant_id", "tenant_name", "system_scope")):
        defaults["project_name"] = "service"
    if "project_id" not in own and not any(name.startswith("project_domain") for name in own):
        defaults["project_domain_name"] = "Default"
    set_login(conf, AUTHTOKEN, "password", defaults)


def _take_defaults(conf: cfg.ConfigOpts, sections: Sections) -> list[str]:
    """What Almanach did where its file said nothing."""
    remarks = []
    if "ALMANACH" in sections and not _is_set(conf, sections, "entities", "instance_image_meta"):
        conf.set_default("instance_image_meta", list(IMAGE_META), group="entities")
        write = f"write instance_image_meta = {','.join(IMAGE_META)} in [entities]"
        remarks.append(f"[ALMANACH]: {', '.join(IMAGE_META)} of images are shown, as 3.x did; {write}")
    listened = [group for group in ("collector", "RABBITMQ") if group in sections]
    if listened and LISTENING in conf and not any(_has_value(conf, option) for option in ("topic", "queue")):
        conf.set_default("topic", TOPIC, group=LISTENING)
        remarks.append(f"[{listened[0]}] names no topic, and Almanach's was {TOPIC}; write topic = {TOPIC} in [{LISTENING}]")
    return remarks


def _has_value(conf: cfg.ConfigOpts, option: str) -> bool:
    """Whether anybody gave it one, by any name."""
    where = conf.get_location(option, LISTENING)
    return where is not None and where.location not in (cfg.Locations.opt_default, cfg.Locations.set_default)
