"""From a configuration to who may use caso-api."""

import socket

import pytest

from caso import config
from caso.api.access import ALL, Caller
from caso.errors import ConfigError, SourceError
from caso.wiring.access import callers, middleware_options

ALMANACHS = """
[keystone_authtoken]
username = almanach
password = pa$$$$word
user_domain_id = default
user_domain_name = Default
project_domain_name = Default
project_name = service
auth_url = http://127.0.0.1:35357/v3
"""
"""As Almanach 4 has it: without an auth_type."""


@pytest.fixture
def build(tmp_path):
    def built(text):
        file = tmp_path / "caso.conf"
        file.write_text(text)
        return config.build([f"--config-file={file}"], "caso-extract", files=[])

    return built


def middleware(conf):
    """What keystonemiddleware reads of its group."""
    return middleware_options(conf)["oslo_config_config"]["keystone_authtoken"]


def test_almanachs_own_group_is_a_login_by_password(build):
    group = middleware(build(ALMANACHS))

    assert group.auth_type == "password"
    assert (group.auth_url, group.username, group.password) == ("http://127.0.0.1:35357/v3", "almanach", "pa$$word")
    assert (group.project_name, group.project_domain_name, group.user_domain_id) == ("service", "Default", "default")
    assert group.system_scope is None


def test_what_an_operator_says_of_the_middleware_counts(build):
    group = middleware(build(f"{ALMANACHS}token_cache_time = 7\ninterface = admin\nmemcached_servers = m1:11211,m2:11211\n"))

    assert (group.token_cache_time, group.interface) == (7, "admin")
    assert group.memcached_servers == ["m1:11211", "m2:11211"]


def test_a_login_may_be_in_a_section_of_its_own(build):
    group = middleware(build("[keystone_authtoken]\nauth_section = mine\n[mine]\nauth_url = http://k/v3\nusername = u\n"))

    assert (group.auth_type, group.auth_url, group.username) == ("password", "http://k/v3", "u")


def test_without_the_group_casos_own_credentials_ask(build, tmp_path):
    conf = build(
        "[keystone_auth]\nauth_type = v3applicationcredential\nauth_url = https://k/v3\n"
        "application_credential_id = i\napplication_credential_secret = s\ninsecure = true\n"
    )

    group = middleware(conf)

    assert (group.auth_type, group.auth_url) == ("v3applicationcredential", "https://k/v3")
    assert (group.application_credential_id, group.application_credential_secret) == ("i", "s")
    assert (group.insecure, group.interface) == (True, "public")


def test_own_credentials_without_a_scope_ask_for_the_system(build):
    group = middleware(build("[keystone_auth]\nauth_url = http://k/v3\nusername = u\npassword = p\n"))

    assert (group.auth_type, group.system_scope) == ("password", "all")


@pytest.mark.parametrize(
    "strategy", ["private_key", "token", " private_key ", "private_key,keystone", "token,keystone", "[token, keystone]"]
)
def test_the_key_lets_in_by_every_strategy_that_names_it(build, strategy):
    access = callers(build(f"[auth]\nstrategy = {strategy}\nprivate_key = k\n{ALMANACHS}"))

    assert access.caller({"HTTP_X_AUTH_TOKEN": "k"}) == ALL


@pytest.mark.parametrize("strategy", ["", "noauth", "private_key,noauth"])
def test_a_strategy_that_is_none_is_refused_with_the_choices(build, strategy):
    with pytest.raises(ConfigError, match="choose private_key, keystone, or private_key,keystone"):
        callers(build(f"[auth]\nstrategy = {strategy}\nprivate_key = k\n{ALMANACHS}"))


@pytest.mark.parametrize("strategy", ["private_key", "private_key,keystone"])
def test_a_key_is_needed_where_the_strategy_names_one(build, strategy):
    with pytest.raises(ConfigError, match=r"\[auth\] private_key"):
        callers(build(f"[auth]\nstrategy = {strategy}\n{ALMANACHS}"))


def test_a_keystone_that_is_named_nowhere_is_refused_before_any_work(build):
    with pytest.raises(ConfigError, match="auth_url"):
        callers(build("[auth]\nstrategy = keystone\n[keystone_authtoken]\nauth_type = password\n"))


def test_a_login_of_an_unknown_type_is_refused_with_the_choices(build):
    with pytest.raises(ConfigError, match=r"no plug-in is called 'passwort'.*password"):
        callers(build("[auth]\nstrategy = keystone\n[keystone_authtoken]\nauth_type = passwort\n"))


def test_nobody_is_turned_away_while_keystone_cannot_be_asked(build):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v3"
        access = callers(build(f"[auth]\nstrategy = keystone\n{ALMANACHS.replace('http://127.0.0.1:35357/v3', url)}"))

        with pytest.raises(SourceError, match="cannot find out whose token this is"):
            access.caller({"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_X_AUTH_TOKEN": "t"})


def test_keystone_is_not_asked_about_nobody(build):
    access = callers(build(f"[auth]\nstrategy = keystone\n{ALMANACHS}"))

    assert access.caller({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}) is None


def token(*roles, **scope):
    return {"roles": [{"id": name, "name": name} for name in roles], **scope}


OF_P = {"project": {"id": "p"}}


@pytest.mark.parametrize(
    ("told", "caller"),
    [
        (token("watcher", **OF_P), Caller(project_id="p")),
        (token("WATCHER", **OF_P), Caller(project_id="p")),
        (token("boss", **OF_P), ALL),
        (token("robot", system={"all": True}), ALL),
        (token("boss", domain={"id": "d"}), Caller()),
        (token("boss"), Caller()),
        (token("admin", "service", "reader", "member", **OF_P), Caller()),
        (token("boss,watcher", **OF_P), Caller()),
        ({}, Caller()),
    ],
)
def test_the_roles_that_count_are_those_of_the_configuration_on_a_project_or_the_system(build, told, caller):
    conf = build(f"[auth]\nstrategy = keystone\nadmin_roles = Boss\nservice_roles = robot\nreader_roles = watcher\n{ALMANACHS}")
    (keystone,) = callers(conf)._ways

    assert keystone._caller(told) == caller
