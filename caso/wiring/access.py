"""Configuration to who may use caso-api."""

from __future__ import annotations

from typing import Any

from oslo_config import cfg

from caso.api import access, keystone
from caso.config import Configuration
from caso.errors import ConfigError
from caso.sources.credentials import access_from_conf, login_of, set_login, set_values
from caso.sources.session import Access

GROUP = keystone.GROUP

DEFAULTS = {
    # A Keystone that hangs must not hold a thread for ever, nor one that is gone for long.
    "http_connect_timeout": 10,
    "http_request_max_retries": 1,
    # For so long a token that was revoked is still taken, by each thread that saw it before.
    "token_cache_time": 60,
}
"""Where keystonemiddleware's own are not those of a service that people wait for."""


def callers(conf: Configuration) -> access.Access:
    """Who may use caso-api, as [auth] says. ConfigError before anybody is asked."""
    roles = keystone.Roles.of(conf.auth.admin_roles, conf.auth.service_roles, conf.auth.reader_roles)
    return access.access_of(
        conf.auth.strategy,
        {
            access.PRIVATE_KEY: lambda: access.PrivateKey(conf.auth.private_key),
            access.KEYSTONE: lambda: keystone.Keystone(middleware_options(conf), roles),
        },
    )


def middleware_options(conf: Configuration) -> dict[str, Any]:
    """What keystonemiddleware is configured with: [keystone_authtoken], and where that names no login, that of caso itself.

    Almanach's file names no auth_type there: it is a password.
    """
    conf.register_opts(keystone.options(), group=GROUP)
    for name, value in DEFAULTS.items():
        conf.set_default(name, value, group=GROUP)
    login = login_of(conf, GROUP)
    own = login is None
    opener = access_from_conf(conf, os_cloud=conf.os_cloud, interface=conf.interface) if login is None else Access(*login)
    if not opener.auth_url:
        raise ConfigError(f"[{GROUP}] auth_url is not set; set it to the URL of Keystone, as in http://controller:5000/v3")
    values = {option.dest: conf[GROUP][option.dest] for option in keystone.options()}
    values["www_authenticate_uri"] = values["www_authenticate_uri"] or opener.auth_url
    if own:
        values |= _of_session(opener)
    # One of its own: caso's has the options of another plug-in in the same group, and both may be of one name.
    private = cfg.ConfigOpts()
    private.register_opts(keystone.options(), group=GROUP)
    set_values(private, GROUP, values)
    set_login(private, GROUP, *opener.login)
    return {"oslo_config_config": private}


def _of_session(opener: Access) -> dict[str, Any]:
    verify, cert = opener.tls
    certfile, keyfile = cert if isinstance(cert, tuple) else (cert, None)
    return {
        "insecure": verify is False,
        "cafile": verify if isinstance(verify, str) else None,
        "certfile": certfile,
        "keyfile": keyfile,
        "interface": opener.interface,
    }
