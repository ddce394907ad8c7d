"""Where credentials come from, and in which order."""

import json

import pytest
import requests
from oslo_config import cfg

from caso.errors import ConfigError
from caso.sources.credentials import access_from_conf, list_auth_opts, register_auth_options

AUTHORITIES = requests.certs.where()
FULL = f"""
[keystone_auth]
auth_type = v3password
auth_url = http://conf.test/v3
username = accounting
password = hunter2
user_domain_id = default
cafile = {AUTHORITIES}
timeout = 5
"""


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch, tmp_path):
    for name in ("OS_CLOUD", "OS_AUTH_URL", "OS_AUTH_TYPE", "OS_USERNAME", "OS_PASSWORD", "OS_REGION_NAME"):
        monkeypatch.delenv(name, raising=False)
    clouds = {
        "clouds": {
            name: {
                "auth": {"auth_url": f"http://{name}.test/v3", "username": "u", "password": "p", "user_domain_id": "default"},
                "region_name": "north",
                "verify": False,
            }
            for name in ("named", "other")
        }
    }
    (tmp_path / "clouds.yaml").write_text(json.dumps(clouds))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))


def conf(tmp_path, text=""):
    path = tmp_path / "caso.conf"
    path.write_text(text)
    parsed = cfg.ConfigOpts()
    register_auth_options(parsed)
    parsed(["--config-file", str(path)])
    return parsed


def keystone_of(access):
    return access.api("identity", access.configured_scope())._endpoint


def test_the_configuration_file_gives_plug_in_session_and_timeout(tmp_path):
    access = access_from_conf(conf(tmp_path, FULL))

    assert keystone_of(access) == "http://conf.test/v3"
    assert access._session.verify == AUTHORITIES
    assert access._session.timeout == (5.0, 5.0)


def test_without_an_auth_type_an_auth_url_means_a_password(tmp_path):
    access = access_from_conf(conf(tmp_path, FULL.replace("auth_type = v3password", "")))

    assert keystone_of(access) == "http://conf.test/v3"


def test_options_may_stand_in_another_section(tmp_path):
    text = FULL.replace("[keystone_auth]", "[keystone_auth]\nauth_section = shared\n[shared]")

    assert keystone_of(access_from_conf(conf(tmp_path, text))) == "http://conf.test/v3"


def test_a_named_cloud_comes_before_the_configuration_file(tmp_path):
    access = access_from_conf(conf(tmp_path, FULL), os_cloud="named")

    assert keystone_of(access) == "http://named.test/v3"
    assert access.region == "north"
    assert access._session.verify is False


def test_the_configuration_file_comes_before_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("OS_CLOUD", "other")

    assert keystone_of(access_from_conf(conf(tmp_path, FULL))) == "http://conf.test/v3"
    assert keystone_of(access_from_conf(conf(tmp_path))) == "http://other.test/v3"


def test_variables_alone_are_enough(tmp_path, monkeypatch):
    for name, value in {"AUTH_URL": "http://env.test", "USERNAME": "u", "PASSWORD": "p", "USER_DOMAIN_ID": "default"}.items():
        monkeypatch.setenv(f"OS_{name}", value)

    assert keystone_of(access_from_conf(conf(tmp_path))) == "http://env.test/v3"


def test_no_credentials_at_all_is_a_configuration_error_that_says_how_to_give_them(tmp_path):
    with pytest.raises(ConfigError, match=r"--os-cloud NAME.*\[keystone_auth\].*OS_\*"):
        access_from_conf(conf(tmp_path), environ={})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[keystone_auth]\nauth_type = pasword\n", "no plug-in is called 'pasword'; there are .*v3password"),
        ("[keystone_auth]\nauth_type = v3password\n", "auth.url"),
        (FULL + "project_name = p\n", "project_domain_id"),
    ],
    ids=["unknown plug-in", "incomplete", "ambiguous"],
)
def test_broken_credentials_are_a_configuration_error_without_a_secret(tmp_path, text, complaint):
    with pytest.raises(ConfigError, match=complaint) as caught:
        access_from_conf(conf(tmp_path, text))

    assert "hunter2" not in str(caught.value)


def test_an_unknown_cloud_is_a_configuration_error_that_names_it(tmp_path):
    with pytest.raises(ConfigError, match="'nowhere'"):
        access_from_conf(conf(tmp_path), os_cloud="nowhere")


def test_the_sample_has_each_option_once():
    names = [option.dest for option in list_auth_opts()]

    assert len(names) == len(set(names))
    assert {"auth_type", "auth_url", "password", "application_credential_id", "cafile", "timeout"} <= set(names)
