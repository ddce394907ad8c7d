"""Where credentials come from: --os-cloud, else [keystone_auth], else OS_CLOUD, else OS_* variables."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keystoneauth1 import exceptions as ksa
from keystoneauth1 import loading
from oslo_config import cfg

from caso.errors import ConfigError
from caso.sources.failure import reason
from caso.sources.manners import Manners
from caso.sources.session import TIMEOUT, Access, new_session

GROUP = "keystone_auth"

NONE_GIVEN = (
    "no credentials: name a cloud of clouds.yaml (--os-cloud NAME, or OS_CLOUD), or set auth_type, auth_url, username, "
    "password ... in [keystone_auth] of caso.conf, or the same as OS_* variables"
)


def register_auth_options(conf: cfg.ConfigOpts) -> None:
    """Make [keystone_auth] readable; the options of the chosen plug-in are registered once it is known."""
    loading.register_auth_conf_options(conf, GROUP)
    loading.register_session_conf_options(conf, GROUP)


def set_default_password_login(conf: cfg.ConfigOpts, *, insecure: bool, **login: str) -> None:
    """A login of the domain Default by password, where [keystone_auth] does not say another."""
    conf.register_opts(loading.get_auth_plugin_conf_options("password"), group=GROUP)
    values = {"auth_type": "password", "user_domain_name": "Default", "insecure": insecure, **login}
    for name, value in values.items():
        conf.set_default(name, value, group=GROUP)


def set_login(conf: cfg.ConfigOpts, group: str, auth_type: str, options: Mapping[str, Any]) -> None:
    """Have a group of a configuration that has no file name this login."""
    loading.register_auth_conf_options(conf, group)
    conf.register_opts(loading.get_auth_plugin_conf_options(auth_type), group=group)
    set_values(conf, group, {**options, "auth_type": auth_type, "auth_section": None})


def set_values(conf: cfg.ConfigOpts, group: str, values: Mapping[str, Any]) -> None:
    """Give options of a group values that were read before: a $ in one is a $."""
    for name, value in values.items():
        conf.set_default(name, value.replace("$", "$$") if isinstance(value, str) else value, group=group)


def list_auth_opts() -> list[cfg.Opt]:
    """The options of [keystone_auth] for the sample file: what all plug-ins share, and those of the two usual ones.

    Not to be registered: plug-ins declare options of one name in different ways.
    """
    options = [*loading.get_auth_common_conf_options(), *loading.get_session_conf_options()]
    for plugin in ("password", "v3applicationcredential"):
        known = {option.dest for option in options}
        options += [option for option in loading.get_auth_plugin_conf_options(plugin) if option.dest not in known]
    return options


def auth_option_names(conf: cfg.ConfigOpts) -> set[str]:
    """The options of the auth plug-in that [keystone_auth] names; none where it is unknown."""
    try:
        options = loading.get_auth_plugin_conf_options(conf[GROUP].auth_type or "password")
    except ksa.NoMatchingPlugin:
        return set()
    return {option.dest for option in options}


def access_from_conf(
    conf: cfg.ConfigOpts,
    os_cloud: str | None = None,
    interface: str | None = None,
    environ: Mapping[str, str] | None = None,
    manners: Manners | None = None,
) -> Access:
    """The credentials that a parsed configuration and its surroundings give; sends nothing.

    ``os_cloud`` is the argument of --os-cloud; ``interface`` names the endpoints to use, where not the public ones
    or those that clouds.yaml says; ``manners`` are those of the run. ConfigError where there are no credentials, or
    they are incomplete.
    """
    environ = os.environ if environ is None else environ
    if os_cloud:
        return access_from_clouds(os_cloud, interface, manners)
    register_auth_options(conf)
    access = _from_group(conf, interface, manners or Manners())
    if access:
        return access
    if environ.get("OS_CLOUD") or environ.get("OS_AUTH_URL") or environ.get("OS_AUTH_TYPE"):
        return access_from_clouds(environ.get("OS_CLOUD"), interface, manners)
    raise ConfigError(NONE_GIVEN)


def access_from_clouds(name: str | None, interface: str | None = None, manners: Manners | None = None) -> Access:
    """The credentials of a cloud of clouds.yaml, or of the OS_* variables where ``name`` is None."""
    from openstack import config, exceptions  # a second of import time that cron jobs with caso.conf need not pay

    try:
        known = config.OpenStackConfig()
        if name and name not in known.get_cloud_names():
            raise ConfigError(_no_such_cloud(name, known))
        region = known.get_one(cloud=name)
    except (exceptions.ConfigException, ksa.ClientException) as exc:
        where = f"cloud {name!r} of clouds.yaml" if name else "OS_* variables"
        raise ConfigError(f"{where}: {reason(exc)}") from exc
    verify, cert = region.get_requests_verify_args()
    manners = manners or Manners()
    timeout = float(region.config.get("api_timeout") or TIMEOUT)
    return Access(
        region.config["auth_type"],
        {key: value for key, value in region.config["auth"].items() if value is not None},
        session=new_session(timeout=timeout, traffic=manners.traffic, verify=verify, cert=cert),
        interface=interface or region.config.get("interface") or "public",
        region=region.region_name or None,
        cloud=name or "",
        files=_files(known),
        manners=manners,
    )


def _files(known: Any) -> list[Path]:
    """clouds.yaml, and the secure.yaml that its secrets may be kept in."""
    from openstack.config.loader import SECURE_FILES

    secure = (Path(name) for name in (os.environ.get("OS_CLIENT_SECURE_FILE"), *SECURE_FILES) if name)
    first = next((path for path in secure if path.is_file()), None)
    return [path for path in (known.config_filename and Path(known.config_filename), first) if path]


def _no_such_cloud(name: str, known: Any) -> str:
    if not known.config_filename:
        places = "., ~/.config/openstack, /etc/openstack and OS_CLIENT_CONFIG_FILE"
        return f"cloud {name!r}: there is no clouds.yaml that this user may read and that is YAML; it is looked for in {places}"
    choices = ", ".join(sorted(known.get_cloud_names())) or "none"
    return f"cloud {name!r} is not in {known.config_filename}; choose from {choices}"


def login_of(conf: cfg.ConfigOpts, group: str) -> tuple[str, dict[str, Any]] | None:
    """The plug-in and its options that a group of a file names, or that its auth_section does; None where it names none.

    It is a password where only its options are there.
    """
    loading.register_auth_conf_options(conf, group)
    group = conf[group].auth_section or group
    # Nobody may have asked that group before.
    loading.register_auth_conf_options(conf, group)
    auth_type = conf[group].auth_type
    if not auth_type:
        conf.register_opts(loading.get_auth_plugin_conf_options("password"), group=group)
        if not conf[group].auth_url:
            return None
        auth_type = "password"
    return auth_type, _plugin_options(conf, group, auth_type)


def _from_group(conf: cfg.ConfigOpts, interface: str | None, manners: Manners) -> Access | None:
    login = login_of(conf, GROUP)
    if login is None:
        return None
    return Access(
        *login,
        session=_session(conf[GROUP], manners),
        interface=interface or "public",
        manners=manners,
    )


def _plugin_options(conf: cfg.ConfigOpts, group: str, auth_type: str) -> dict[str, Any]:
    try:
        options = loading.get_plugin_options(auth_type)
    except ksa.NoMatchingPlugin:
        return {}  # Access says which there are
    conf.register_opts(loading.get_auth_plugin_conf_options(auth_type), group=group)
    found = {}
    for option in options:
        with reading(f"[{group}] {option.dest}"):
            value = conf[group][option.dest]
        if value is not None:
            found[option.dest] = option.type(value)
    return found


@contextmanager
def reading(option: str) -> Iterator[None]:
    """ConfigError where the value of an option refers to another one that there is not; not a word of it, it may be secret."""
    try:
        yield
    except (cfg.NoSuchOptError, cfg.TemplateSubstitutionError):
        raise ConfigError(f"{option}: what follows a $ in it is no option; where a $ is meant, write $$") from None


def _session(group: cfg.ConfigOpts.GroupAttr, manners: Manners) -> Any:
    cert = (group.certfile, group.keyfile) if group.certfile and group.keyfile else group.certfile
    return new_session(
        timeout=group.timeout,
        traffic=manners.traffic,
        verify=False if group.insecure else group.cafile or True,
        cert=cert,
        # Older keystoneauth has neither the options nor the arguments.
        **{name: group[name] for name in ("tls_ciphers", "tls_min_version") if name in group},
    )
