"""What configurations of cASO 1.x to 5.x say in other words: one table of old names, and what becomes of them."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from oslo_config import cfg, types

from caso import plugins
from caso.errors import ConfigError
from caso.plugins import EXTRACTORS, MESSENGERS
from caso.sources.credentials import GROUP as AUTH_GROUP
from caso.sources.credentials import set_default_password_login

Sections = Mapping[str, Mapping[str, str]]
"""The values of all files as they stand there, by group and option, the last file's."""

OLD_NAMES: Mapping[str, Mapping[str, str]] = {
    EXTRACTORS: {},
    MESSENGERS: {
        "ssmv4": "ssm",
        "caso.messenger.noop.NoopMessenger": "noop",
        "caso.messenger.ssm.SsmMessager": "ssm",
        "caso.messenger.ssm.SsmMessenger": "ssm",
        "caso.messenger.ssm.SSMMessenger": "ssm",
        "caso.messenger.ssm.SSMMessengerV02": "ssm",
        "caso.messenger.ssm.SSMMessengerV04": "ssm",
        "caso.messenger.logstash.LogstashMessenger": "logstash",
    },
}
"""Names of plug-ins in older releases, where no plug-in that is installed has that name."""

OLD_GROUPS: Mapping[str, tuple[str, ...]] = {
    "accelerator": ("acelerator",),
    "benchmark": ("benchkmark",),
    "messenger_ssm": ("messenger_ssmv4",),
}
"""Other spellings of groups: two that were in cASO's documents, and the messenger that is ``ssm`` now."""

CREDENTIALS = ("user", "password", "endpoint", "insecure")
EXTRACTOR_GROUP = frozenset({*CREDENTIALS, "mapping_file"})
"""The options of [extractor], which cASO 1.x had."""
DEFAULT_USER = "accounting"


class Names(NamedTuple):
    """Plug-ins by the names that they have now; ``remarks`` say what to write."""

    names: list[str]
    remarks: list[str]


def current_names(option: str, group: str, given: Iterable[str]) -> Names:
    """The plug-ins that the value of an option means.

    >>> current_names("messengers", MESSENGERS, ["ssm", "ssmv4"]).names
    ['ssm']
    """
    installed = plugins.names(group)
    found = Names([], [])
    for name in dict.fromkeys(given):
        now = name if name in installed else OLD_NAMES[group].get(name, name)
        if name != now:
            found.remarks.append(f"{option}: {name} is a name of an older release; write {now}")
        if now not in found.names:
            found.names.append(now)
    return found


def with_old_groups(declared: Iterable[tuple[str, Sequence[cfg.Opt]]]) -> list[tuple[str, list[cfg.Opt]]]:
    """The options by group, to be read from the old spellings of their group as well."""
    return [(group, [_also_in(option, OLD_GROUPS.get(group, ())) for option in options]) for group, options in declared]


def _also_in(option: cfg.Opt, groups: Sequence[str]) -> cfg.Opt:
    if not groups:
        return option
    found = copy.copy(option)
    found.deprecated_opts = [*option.deprecated_opts, *(cfg.DeprecatedOpt(option.dest, group=group) for group in groups)]
    return found


def take_extractor_group(conf: cfg.ConfigOpts, sections: Sections) -> list[str]:
    """The credentials of cASO 1.x, where [keystone_auth] says nothing; what to write in their place."""
    given = sections.get("extractor", {})
    credentials = {name: given[name] for name in CREDENTIALS if given.get(name)}
    if not credentials:
        return []
    if conf[AUTH_GROUP].auth_type or conf[AUTH_GROUP].auth_section or sections.get(AUTH_GROUP, {}).get("auth_url"):
        return [f"[extractor] {', '.join(credentials)}: not read, since [{AUTH_GROUP}] has credentials; take it out"]
    if "endpoint" not in credentials:
        raise ConfigError(f"[extractor] {', '.join(credentials)}: no endpoint; set auth_url in [{AUTH_GROUP}] to Keystone's URL")
    try:
        insecure = types.Boolean()(credentials.get("insecure", "false"))
    except ValueError as exc:
        raise ConfigError(f"[extractor] insecure: {exc}; write true or false") from exc
    set_default_password_login(
        conf,
        auth_url=v3(credentials["endpoint"]),
        username=credentials.get("user", DEFAULT_USER),
        password=credentials.get("password", ""),
        insecure=insecure,
    )
    write = "auth_type = password, auth_url, username, password, user_domain_name = Default"
    return [f"[extractor] {', '.join(credentials)}: names of an older release; write [{AUTH_GROUP}] {write}"]


def v3(url: str) -> str:
    """The URL of Keystone's third version; the second is gone.

    >>> v3("https://keystone.example.org:5000/v2.0/")
    'https://keystone.example.org:5000/v3'
    """
    return re.sub(r"/v2(\.0)?/?$", "/v3", url.strip())


def unite_record_types(conf: cfg.ConfigOpts, given: Sequence[str], sections: Sections) -> None:
    """What ``ssm`` takes where it was two messengers: what either took."""
    groups = [f"messenger_{name}" for name in ("ssm", "ssmv4") if name in given]
    if len(groups) > 1 and "ssm" in conf.messengers:
        both = [sections.get(group, {}).get("record_types") for group in groups]
        united = [name for value in both if value for name in types.List()(value)]
        conf.set_override("record_types", list(dict.fromkeys(united)) if all(both) else None, group="messenger_ssm")
