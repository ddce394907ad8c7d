"""Every option that a configuration of Almanach 3.x or 4.x may have: what caso makes of it, and what it says to write instead."""

from __future__ import annotations

import pytest

from caso import almanach_options, config, declared
from caso.api.access import access_of
from caso.errors import ConfigError
from caso.sources.credentials import login_of

NOTHING: list[str] = []
MOVE_IN = "since there is no MongoDB: caso-almanach-import moves in"
OLDER = "names of an older release; write"
FOUR = """
[DEFAULT]
{more}
[database]
driver = mongodb
connection_url = mongodb://almanach:word@db:27017/almanach
[api]
bind_ip = 0.0.0.0
bind_port = 8080
[collector]
transport_url = rabbit://almanach:word@one:5672,rabbit://almanach:word@two:5672
topic = usage
max_retries = 5
min_retries = 3
retry_delay = 25
thread_pool_size = 1
[auth]
strategy = token,keystone
private_key = a long word
[keystone_authtoken]
username = almanach
password = word
auth_url = http://keystone:5000/v3
[entities]
instance_existence_threshold = 800
volume_existence_threshold = 50
instance_metadata = a,b
instance_image_meta = distro,version
"""
THREE = """
[DEFAULT]
{more}
[ALMANACH]
auth_token = a long word
auth_strategy = keystone
volume_existence_threshold = 50
device_metadata_whitelist = a,b
[MONGODB]
url = mongodb://almanach:word@db:27017/almanach
database = almanach
indexes = project_id,start,end
[RABBITMQ]
url = amqp://openstack:word@bus:5672
queue = almanach.info
exchange = almanach.info
routing.key = almanach.info
retry.time.to.live = 10
retry.exchange = almanach.retry
retry.maximum = 3
retry.queue = almanach.retry
dead.queue = almanach.dead
dead.exchange = almanach.dead
[KEYSTONE]
username = almanach
password = wo$rd
tenant_name = service
auth_url = http://keystone:5000/v2.0
"""


@pytest.fixture
def build(tmp_path):
    def from_text(text, prog="caso-collect"):
        path = tmp_path / "almanach.conf"
        path.write_text(text)
        return config.build([f"--config-file={path}"], prog, files=[])

    return from_text


def remarks(conf):
    return [remark.partition("almanach.conf: ")[2] or remark for remark in conf.remarks]


def test_a_file_of_almanach_4_means_what_it_meant(build):
    conf = build(FOUR.format(more=""))

    assert (conf.api.bind_ip, conf.api.bind_port) == ("0.0.0.0", 8080)
    assert conf.notifications.transport_url == ["rabbit://almanach:word@one:5672", "rabbit://almanach:word@two:5672"]
    assert conf.notifications.topic == "usage"
    assert (conf.auth.strategy, conf.auth.private_key) == ("token,keystone", "a long word")
    entities = conf.entities
    assert (entities.instance_existence_threshold, entities.volume_existence_threshold) == (800, 50)
    assert (entities.instance_metadata, entities.instance_image_meta) == (["a", "b"], ["distro", "version"])
    assert declared.unknown_options(conf) == NOTHING


def test_of_a_file_of_almanach_4_it_is_said_what_to_write_instead(build):
    assert sorted(remarks(build(FOUR.format(more="")))) == [
        "[collector] max_retries, min_retries, retry_delay: not read, since messages wait in the store; take it out",
        "[collector] thread_pool_size: not read, since messages are kept many at a time; take it out",
        "[collector] topic is a name of an older release; write topic in [notifications]",
        "[collector] transport_url is a name of an older release; write transport_url in [notifications]",
        f"[database] driver, connection_url: not read, {MOVE_IN}; take it out",
    ]


def test_a_file_of_almanach_3_means_what_it_meant(build):
    conf = build(THREE.format(more=""))

    assert (conf.auth.strategy, conf.auth.private_key) == ("keystone", "a long word")
    assert (conf.entities.volume_existence_threshold, conf.entities.instance_metadata) == (50, ["a", "b"])
    assert conf.entities.instance_image_meta == ["distro", "version", "os_type"]
    assert (conf.notifications.transport_url, conf.notifications.queue) == (["amqp://openstack:word@bus:5672"], ["almanach.info"])
    assert declared.unknown_options(conf) == NOTHING


def test_of_a_file_of_almanach_3_it_is_said_what_to_write_instead(build):
    retries = "retry.time.to.live, retry.exchange, retry.maximum, retry.queue, dead.queue, dead.exchange"
    image = "distro, version, os_type of images are shown, as 3.x did"
    login = "auth_type = password, auth_url, username, password, project_name, user_domain_name, project_domain_name = Default"
    assert sorted(remarks(build(THREE.format(more="")))) == [
        "[ALMANACH] auth_strategy is a name of an older release; write strategy in [auth]",
        "[ALMANACH] auth_token is a name of an older release; write private_key in [auth]",
        "[ALMANACH] device_metadata_whitelist is a name of an older release; write instance_metadata in [entities]",
        "[ALMANACH] volume_existence_threshold is a name of an older release; write volume_existence_threshold in [entities]",
        f"[ALMANACH]: {image}; write instance_image_meta = distro,version,os_type in [entities]",
        f"[KEYSTONE] username, password, tenant_name, auth_url: {OLDER} [keystone_authtoken] {login}",
        f"[MONGODB] url, database, indexes: not read, {MOVE_IN}; take it out",
        "[RABBITMQ] exchange, routing.key: not read, since topic or queue in [notifications] is enough; take it out",
        "[RABBITMQ] queue is a name of an older release; write queue in [notifications]",
        f"[RABBITMQ] {retries}: not read, since messages wait in the store; take it out",
        "[RABBITMQ] url is a name of an older release; write transport_url in [notifications]",
    ]


def test_no_remark_repeats_a_password(build):
    for text in (FOUR, THREE):
        assert not any(
            "word@" in remark or "long word" in remark or "wo$rd" in remark for remark in build(text.format(more="")).remarks
        )


@pytest.mark.parametrize("text", [FOUR, THREE])
def test_a_run_that_takes_no_messages_passes_over_where_they_are(build, text):
    conf = build(text.format(more="extractor = nova"), "caso-extract")

    assert "notifications" not in conf
    assert declared.unknown_options(conf) == NOTHING


def test_the_login_of_3_asks_the_third_version_of_keystone(build):
    conf = build(THREE.format(more=""), "caso-api")

    auth_type, options = login_of(conf, "keystone_authtoken")
    assert auth_type == "password"
    assert {name: options[name] for name in ("auth_url", "username", "password", "project_name")} == {
        "auth_url": "http://keystone:5000/v3",
        "username": "almanach",
        "password": "wo$rd",
        "project_name": "service",
    }
    assert (options["user_domain_name"], options["project_domain_name"]) == ("Default", "Default")


def test_the_login_of_4_has_almanachs_defaults(build):
    conf = build(FOUR.format(more=""), "caso-api")

    auth_type, options = login_of(conf, "keystone_authtoken")
    assert (auth_type, options["username"], options["project_name"]) == ("password", "almanach", "service")
    assert (options["user_domain_name"], options["project_domain_name"]) == ("Default", "Default")


def test_a_login_of_4_that_says_more_has_what_it_says(build):
    text = FOUR.replace("username = almanach", "username = almanach\nuser_domain_id = d1\nproject_id = p1").format(more="")

    _, options = login_of(build(text, "caso-api"), "keystone_authtoken")

    assert (options["user_domain_id"], options["project_id"]) == ("d1", "p1")
    assert not any(options.get(name) for name in ("user_domain_name", "project_name", "project_domain_name"))


def test_a_login_of_another_kind_is_left_alone(build):
    text = "[keystone_authtoken]\nauth_type = v3applicationcredential\nauth_url = http://k/v3\napplication_credential_id = a\n"

    auth_type, options = login_of(build(text, "caso-api"), "keystone_authtoken")

    assert (auth_type, options["application_credential_id"]) == ("v3applicationcredential", "a")
    assert "project_name" not in options


def test_a_login_of_today_counts_more_than_that_of_3(build):
    conf = build(f"{THREE.format(more='')}[keystone_authtoken]\nauth_url = http://new/v3\nusername = new\n", "caso-api")

    _, options = login_of(conf, "keystone_authtoken")
    assert (options["auth_url"], options["username"]) == ("http://new/v3", "new")
    told = "[KEYSTONE] username, password, tenant_name, auth_url: not read, since [keystone_authtoken] has a login; take it out"
    assert told in conf.remarks


def test_a_login_of_3_without_its_url_starts_nothing(build):
    with pytest.raises(ConfigError) as caught:
        build("[KEYSTONE]\nusername = a\npassword = hidden\n")

    assert str(caught.value) == "[KEYSTONE] username, password: no auth_url; set it in [keystone_authtoken] to Keystone's URL"


@pytest.mark.parametrize("group", ["collector", "RABBITMQ"])
def test_the_topic_is_almanachs_where_its_file_names_none(build, group):
    conf = build(f"[{group}]\nurl = rabbit://bus\n")

    assert conf.notifications.topic == "almanach"
    assert f"[{group}] names no topic, and Almanach's was almanach; write topic = almanach in [notifications]" in conf.remarks


def test_the_topic_is_casos_where_no_file_of_almanach_is(build):
    assert build("[notifications]\ntransport_url = rabbit://bus\n").notifications.topic == "caso"


def test_casos_names_count_more_than_almanachs(build):
    text = "[ALMANACH]\nauth_token = old\n[auth]\nprivate_key = new\n[RABBITMQ]\nurl = rabbit://old\n[notifications]\n"

    conf = build(f"{text}transport_url = rabbit://new\ntopic = mine\n")

    assert (conf.auth.private_key, conf.notifications.transport_url, conf.notifications.topic) == (
        "new",
        ["rabbit://new"],
        "mine",
    )


VARIABLES = [
    ("ALMANACH_AUTH_TOKEN", "a$word", "auth", "private_key", "a$word"),
    ("ALMANACH_AUTH_STRATEGY", "keystone", "auth", "strategy", "keystone"),
    ("ALMANACH_VOLUME_EXISTENCE_THRESHOLD", "7", "entities", "volume_existence_threshold", 7),
    ("ALMANACH_DEVICE_METADATA_WHITELIST", "x,y", "entities", "instance_metadata", ["x", "y"]),
    ("RABBITMQ_URL", "amqp://bus", "notifications", "transport_url", ["amqp://bus"]),
    ("RABBITMQ_QUEUE", "usage.info", "notifications", "queue", ["usage.info"]),
]


def test_every_variable_of_3_is_tried_here():
    assert {name: (group, option) for name, _, group, option, _ in VARIABLES} == almanach_options.VARIABLES


@pytest.mark.parametrize(("name", "text", "group", "option", "meant"), VARIABLES)
def test_a_variable_of_3_counts_more_than_its_file(build, monkeypatch, name, text, group, option, meant):
    monkeypatch.setenv(name, text)

    conf = build(THREE.format(more=""))

    assert conf[group][option] == meant
    now = f"OS_{group.upper()}__{option.upper()}"
    assert f"{name} in the environment is a name of an older release; write {now}" in conf.remarks


@pytest.mark.parametrize(("name", "text", "group", "option", "meant"), VARIABLES)
@pytest.mark.parametrize("by", ["file", "environment"])
def test_a_variable_of_3_counts_less_than_an_option_of_today(build, monkeypatch, by, name, text, group, option, meant):
    monkeypatch.setenv(name, text)
    now = {"volume_existence_threshold": "9", "strategy": "private_key"}.get(option, "new")
    if by == "environment":
        monkeypatch.setenv(f"OS_{group.upper()}__{option.upper()}", now)

    conf = build(f"[{group}]\n{option} = {now}\n" if by == "file" else "")

    assert conf[group][option] != meant
    assert f"{name} in the environment: not read, since [{group}] {option} is set; take it out" in conf.remarks


@pytest.mark.parametrize("prog", ["caso-extract", "caso-projects", "caso-almanach-import"])
def test_variables_of_3_change_no_command_but_those_that_take_almanachs_place(build, monkeypatch, prog):
    for name, text, *_ in VARIABLES:
        monkeypatch.setenv(name, text)
    monkeypatch.setenv("KEYSTONE_USERNAME", "stray")
    monkeypatch.setenv("MONGODB_URL", "mongodb://stray")

    conf = build("", prog)

    assert conf.auth.private_key is None
    assert conf.entities.volume_existence_threshold == 60
    assert conf.remarks == NOTHING


def test_the_login_of_3_may_be_in_the_environment(build, monkeypatch):
    for name, text in {"USERNAME": "u", "PASSWORD": "p", "TENANT_NAME": "t", "AUTH_URL": "http://k/v2.0/"}.items():
        monkeypatch.setenv(f"KEYSTONE_{name}", text)

    _, options = login_of(build(THREE.format(more=""), "caso-api"), "keystone_authtoken")

    found = {name: options[name] for name in ("username", "password", "project_name", "auth_url")}
    assert found == {"username": "u", "password": "p", "project_name": "t", "auth_url": "http://k/v3"}


def test_of_where_mongodb_was_it_is_said_that_nobody_reads_it(build, monkeypatch):
    monkeypatch.setenv("MONGODB_URL", "mongodb://almanach:word@db")

    assert build("").remarks == [f"MONGODB_URL in the environment: not read, {MOVE_IN}; take it out"]


def test_a_variable_that_cannot_be_meant_starts_nothing(build, monkeypatch):
    monkeypatch.setenv("ALMANACH_VOLUME_EXISTENCE_THRESHOLD", "a minute")

    with pytest.raises(ConfigError, match=r"ALMANACH_VOLUME_EXISTENCE_THRESHOLD in the environment: .*'a minute'.*; correct it"):
        build("")


@pytest.mark.parametrize("strategy", ["private_key", "keystone", "token,keystone"])
def test_every_strategy_of_almanach_is_one_of_caso_api(strategy):
    asked: list[str] = []

    access_of(strategy, {"private_key": lambda: asked.append("key"), "keystone": lambda: asked.append("keystone")})

    assert asked == {"private_key": ["key"], "keystone": ["keystone"], "token,keystone": ["key", "keystone"]}[strategy]
