"""Every option that a configuration of cASO 1.x to 5.x may have: its default, a value, and what caso makes of it."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from caso import config, declared, legacy, wiring
from caso.cli.base import command
from caso.errors import ConfigError
from caso.extractors.power_options import connection_from, meter_from
from caso.sources.credentials import access_from_conf
from caso.testing.sources import fake_sources
from caso.window import parse_instant
from tests.unit.messengers.receivers import Authority

NOTHING: list[str] = []


@pytest.fixture
def build(tmp_path):
    def from_text(text, *arguments):
        path = tmp_path / "caso.conf"
        path.write_text(text)
        return config.build([f"--config-file={path}", *arguments], "caso-extract", files=[])

    return from_text


def value_of(conf, group, option):
    return conf[option] if group == "DEFAULT" else conf[group][option]


ALL = "cloud, ip, accelerator, storage, energy"
WITHOUT_ENERGY = {"cloud", "ip", "accelerator", "storage"}

ROWS = [
    # group, option, default of caso, a value as an old site has it, what it becomes
    ("DEFAULT", "messengers", ["noop"], "ssm, logstash", ["ssm", "logstash"]),
    ("DEFAULT", "spooldir", "/var/spool/caso", "/srv/caso", "/srv/caso"),
    ("DEFAULT", "lock_path", None, "$spooldir", "/var/spool/caso"),
    ("DEFAULT", "dry_run", False, "true", True),
    ("DEFAULT", "site_name", None, "IFCA-LCG2", "IFCA-LCG2"),
    ("DEFAULT", "service_name", None, "$caso_tag", "caso"),
    ("DEFAULT", "projects", [], "demo, 8a1b2c3d4e5f60718293a4b5c6d7e8f9", ["demo", "8a1b2c3d4e5f60718293a4b5c6d7e8f9"]),
    ("DEFAULT", "caso_tag", "caso", "accounted", "accounted"),
    ("DEFAULT", "vo_property", ["accounting:VO", "egi.VO", "egi.eu:VO", "VO"], "accounting:VO", ["accounting:VO"]),
    ("DEFAULT", "vo_property", ["accounting:VO", "egi.VO", "egi.eu:VO", "VO"], "VO", ["VO"]),
    ("DEFAULT", "mapping_file", "/etc/caso/voms.json", "/etc/voms.json", "/etc/voms.json"),
    ("DEFAULT", "extract_from", None, "2015-01-01", "2015-01-01"),
    ("DEFAULT", "extract_to", None, "2015-02-01", "2015-02-01"),
    ("DEFAULT", "extractor", ["nova", "cinder", "neutron"], "nova", ["nova"]),
    ("DEFAULT", "extractor", ["nova", "cinder", "neutron"], "nova,cinder,neutron", ["nova", "cinder", "neutron"]),
    ("DEFAULT", "region_name", [], "RegionOne", ["RegionOne"]),
    ("DEFAULT", "debug", False, "true", True),
    ("DEFAULT", "log_file", None, "/var/log/caso.log", "/var/log/caso.log"),
    ("DEFAULT", "use_syslog", False, "true", True),
    ("benchmark", "name_key", "accounting:benchmark_type", "accounting:benchmark_name", "accounting:benchmark_name"),
    ("benchmark", "value_key", "accounting:benchmark_value", "a", "a"),
    ("accelerator", "type_key", "Accelerator:Type", "a", "a"),
    ("accelerator", "vendor_key", "Accelerator:Vendor", "a", "a"),
    ("accelerator", "model_key", "Accelerator:Model", "a", "a"),
    ("accelerator", "number_key", "Accelerator:Number", "a", "a"),
    ("ssm", "output_path", "/var/spool/apel/outgoing/openstack", "/srv/apel", "/srv/apel"),
    ("ssm", "max_size", 100, "500", 500),
    ("logstash", "host", "localhost", "logs.example.org", "logs.example.org"),
    ("logstash", "port", 5000, "5044", 5044),
    ("messenger_ssm", "record_types", None, "cloud, ip", ["cloud", "ip"]),
    ("messenger_ssm", "record_types", None, ALL, ["cloud", "ip", "accelerator", "storage", "energy"]),
    ("messenger_logstash", "record_types", None, ALL, ["cloud", "ip", "accelerator", "storage", "energy"]),
    ("messenger_noop", "record_types", None, "cloud", ["cloud"]),
    ("greendigit_cim", "base_url", "https://greendigit-cim.sztaki.hu", "https://gd.example.org", "https://gd.example.org"),
    ("greendigit_cim", "email", None, "accounting@example.org", "accounting@example.org"),
    ("greendigit_cim", "password", None, "a", "a"),
    ("greendigit_cim", "verify_ssl", True, "false", False),
    ("messenger_greendigit_cim", "record_types", None, "energy", ["energy"]),
    ("prometheus", "prometheus_endpoint", "http://localhost:9090", "https://prom.example.org", "https://prom.example.org"),
    ("prometheus", "prometheus_metric_name", "prometheus_value", "power", "power"),
    ("prometheus", "vm_uuid_label_name", "uuid", "vm_id", "vm_id"),
    ("prometheus", "labels", ["type_instance:scaph_process_power_microwatts"], "a:b, c:d", ["a:b", "c:d"]),
    ("prometheus", "prometheus_step_seconds", 30, "60", 60),
    ("prometheus", "prometheus_verify_ssl", True, "false", False),
    ("prometheus", "cpu_normalization_factor", 1.0, "2.7", 2.7),
]
MESSENGERS = "messengers = ssm,logstash,noop,greendigit_cim\n"


@pytest.mark.parametrize(("group", "option", "default", "text", "meant"), ROWS)
def test_an_option_of_caso_has_its_default_and_takes_its_value(build, group, option, default, text, meant):
    extractors = "extractor = nova,cinder,neutron,prometheus\n" if group == "prometheus" else ""
    base = "" if (group, option) == ("DEFAULT", "messengers") else f"[DEFAULT]\n{MESSENGERS}{extractors}"
    without, given = build(base), build(f"{base}[{group}]\n{option} = {text}\n")

    assert value_of(without, group, option) == default
    assert value_of(given, group, option) == meant
    assert declared.unknown_options(given) == []


@pytest.mark.parametrize(("text", "kinds"), [(ALL, WITHOUT_ENERGY), ("", WITHOUT_ENERGY), ("cloud", {"cloud"})])
def test_ssm_gets_the_kinds_named_that_it_can_write_and_all_of_them_where_none_is_named(build, tmp_path, text, kinds):
    conf = build(f"[DEFAULT]\nmessengers = ssm\n[ssm]\noutput_path = {tmp_path}\n[messenger_ssm]\nrecord_types = {text}\n")

    assert wiring.outlet(conf, "ssm").kinds == kinds


RENAMED = [
    # group, option, value -> group, option, value now; what is told
    ("DEFAULT", "benchmark_name_key", "a", "benchmark", "name_key", "a", "write name_key in [benchmark]"),
    ("DEFAULT", "benchmark_value_key", "a", "benchmark", "value_key", "a", "write value_key in [benchmark]"),
    ("benchkmark", "name_key", "a", "benchmark", "name_key", "a", "[benchkmark] name_key is a name of an older release"),
    ("benchkmark", "value_key", "a", "benchmark", "value_key", "a", "write value_key in [benchmark]"),
    ("acelerator", "type_key", "a", "accelerator", "type_key", "a", "write type_key in [accelerator]"),
    ("acelerator", "vendor_key", "a", "accelerator", "vendor_key", "a", "write vendor_key in [accelerator]"),
    ("acelerator", "model_key", "a", "accelerator", "model_key", "a", "write model_key in [accelerator]"),
    ("acelerator", "number_key", "a", "accelerator", "number_key", "a", "write number_key in [accelerator]"),
    ("messenger_ssmv4", "record_types", "ip", "messenger_ssm", "record_types", ["ip"], "write record_types in [messenger_ssm]"),
    ("DEFAULT", "tenants", "a,b", "DEFAULT", "projects", ["a", "b"], "write projects in [DEFAULT]"),
    ("extractor", "mapping_file", "/x", "DEFAULT", "mapping_file", "/x", "write mapping_file in [DEFAULT]"),
]


@pytest.mark.parametrize(("group", "option", "text", "now_group", "now", "meant", "told"), RENAMED)
def test_an_option_by_an_older_name_is_taken_and_told_once(build, group, option, text, now_group, now, meant, told):
    conf = build(f"[DEFAULT]\nmessengers = ssm\n[{group}]\n{option} = {text}\n")

    assert value_of(conf, now_group, now) == meant
    assert len(conf.remarks) == 1
    assert told in conf.remarks[0]
    assert declared.unknown_options(conf) == []


KEYSTONE = [
    ("auth_type", "v3password"),
    ("auth_url", "https://keystone.example.org:5000/v3"),
    ("username", "accounting"),
    ("user_id", "8a1b"),
    ("password", "secret"),
    ("user_domain_name", "Default"),
    ("user_domain_id", "default"),
    ("system_scope", "all"),
    ("project_name", "ops"),
    ("project_id", "1234"),
    ("project_domain_name", "Default"),
    ("project_domain_id", "default"),
    ("cafile", "{folder}/ca.pem"),
    ("certfile", "{folder}/own.pem"),
    ("keyfile", "/etc/caso/key.pem"),
    ("insecure", "true"),
    ("timeout", "30"),
    ("collect_timing", "false"),
]


@pytest.mark.parametrize(("option", "text"), KEYSTONE)
def test_every_option_of_keystone_auth_is_one_of_keystoneauth(build, option, text, tmp_path):
    # Files that are named have to be there.
    certificate, key = Authority(tmp_path).sign("caso")
    (tmp_path / "own.pem").write_bytes(certificate.read_bytes() + key.read_bytes())
    text = text.format(folder=tmp_path)
    given = {
        "auth_type": "password",
        "auth_url": "http://k/v3",
        "username": "u",
        "user_domain_name": "d",
        "password": "p",
        option: text,
    } | ({"project_domain_name": "d"} if option == "project_name" else {})
    conf = build("[keystone_auth]\n" + "".join(f"{name} = {value}\n" for name, value in given.items()))

    access_from_conf(conf, environ={})

    # Of newer releases of keystoneauth a timeout is a float, of older ones a whole number.
    assert str(conf.keystone_auth[option]).lower().removesuffix(".0") == text.lower()
    assert declared.unknown_options(conf) == []


CLASS_PATHS = [
    ("caso.messenger.noop.NoopMessenger", "noop"),
    ("caso.messenger.ssm.SsmMessager", "ssm"),
    ("caso.messenger.ssm.SsmMessenger", "ssm"),
    ("caso.messenger.ssm.SSMMessenger", "ssm"),
    ("caso.messenger.ssm.SSMMessengerV02", "ssm"),
    ("caso.messenger.ssm.SSMMessengerV04", "ssm"),
    ("caso.messenger.logstash.LogstashMessenger", "logstash"),
    ("ssmv4", "ssm"),
]


@pytest.mark.parametrize(("old", "now"), CLASS_PATHS)
@pytest.mark.parametrize("by", ["file", "command line", "environment"])
def test_a_messenger_by_an_older_name_is_the_one_of_today(build, monkeypatch, by, old, now):
    if by == "environment":
        monkeypatch.setenv("OS_DEFAULT__MESSENGERS", old)
    conf = build(f"[DEFAULT]\nmessengers = {old}\n" if by == "file" else "", *([f"--messengers={old}"] * (by == "command line")))

    assert conf.messengers == [now]
    assert conf.remarks == [f"messengers: {old} is a name of an older release; write {now}"]


def test_every_older_name_of_a_messenger_is_tried_here():
    assert {old for old, _ in CLASS_PATHS} == legacy.OLD_NAMES[legacy.MESSENGERS].keys()


def test_a_messenger_by_two_names_is_one(build):
    conf = build("[DEFAULT]\nmessengers = ssm,ssmv4,caso.messenger.ssm.SsmMessager\n")

    assert conf.messengers == ["ssm"]
    assert len(conf.remarks) == 2


@pytest.mark.parametrize(
    ("ssm", "v4", "meant"),
    [("cloud", "ip,cloud", ["cloud", "ip"]), (None, "ip", None), ("cloud", None, None)],
    ids=["both say", "ssm takes all", "ssmv4 takes all"],
)
def test_what_two_messengers_took_together_the_one_takes(build, ssm, v4, meant):
    groups = {"messenger_ssm": ssm, "messenger_ssmv4": v4}
    text = "".join(f"[{group}]\nrecord_types = {types}\n" for group, types in groups.items() if types)

    conf = build(f"[DEFAULT]\nmessengers = ssm,ssmv4\n{text}")

    assert conf.messenger_ssm.record_types == meant


def test_the_ceilometer_of_the_first_release_is_the_one_that_asks_gnocchi(build):
    conf = build("[DEFAULT]\nextractor = ceilometer\n")

    assert conf.extractor == ["ceilometer"]
    assert conf.ceilometer.batch_size == 500
    assert conf.remarks == NOTHING


PROMETHEUS = """
[prometheus]
prometheus_endpoint = http://localhost:9090
prometheus_metric_name = prometheus_value
vm_uuid_label_name = uuid
labels = type_instance:scaph_process_power_microwatts
prometheus_step_seconds = 30
prometheus_verify_ssl = true
cpu_normalization_factor = 1.0
[greendigit_cim]
base_url = https://greendigit.example.org
email = accounting@example.org
password = secret
verify_ssl = true
[messenger_greendigit_cim]
record_types = energy
"""


def test_an_old_sites_prometheus_is_asked_as_it_was(build):
    conf = build(f"[DEFAULT]\nextractor = nova,cinder,neutron,prometheus\nmessengers = ssm,greendigit_cim\n{PROMETHEUS}")

    assert conf.extractor == ["nova", "cinder", "neutron", "prometheus"]
    assert conf.messengers == ["ssm", "greendigit_cim"]
    assert (conf.remarks, declared.unknown_options(conf)) == ([], [])
    assert meter_from(conf.prometheus).about(["a", "b"]) == (
        'prometheus_value{type_instance="scaph_process_power_microwatts",uuid=~"a|b"}'
    )


def test_the_factor_of_an_old_site_is_in_its_records(build):
    conf = build(f"[DEFAULT]\nextractor = nova,prometheus\n{PROMETHEUS.replace('factor = 1.0', 'factor = 2.7')}")

    assert wiring.rules_to_read(conf).cpu_normalization_factor == 2.7
    assert wiring.rules_to_read(build("[DEFAULT]\nextractor = nova\n")).cpu_normalization_factor == 1.0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prometheus_endpoint = prom.example.org:9090", "prometheus_endpoint is no URL of a server; write it like"),
        ("labels = power", "labels: 'power' is no name:value; write it like"),
        ("query = up", r"query: 'up' has no \{uuids\}, and would find all series; write it like"),
        ("prometheus_metric_name =", "prometheus_metric_name or vm_uuid_label_name is empty"),
    ],
)
def test_what_prometheus_cannot_be_asked_starts_no_run(build, text, told):
    conf = build(f"[DEFAULT]\nextractor = prometheus\n[prometheus]\n{text}\n")

    with pytest.raises(ConfigError, match=told):
        wiring.extractor(conf, "prometheus", fake_sources())


def test_an_old_sites_greendigit_is_sent_energy_and_nothing_else(build):
    conf = build(f"[DEFAULT]\nmessengers = greendigit_cim\n{PROMETHEUS}")
    by_nature = build(f"[DEFAULT]\nmessengers = greendigit_cim\n{PROMETHEUS}[messenger_greendigit_cim]\nrecord_types =\n")

    assert wiring.outlet(conf, "greendigit_cim").kinds == wiring.outlet(by_nature, "greendigit_cim").kinds == {"energy"}
    assert (conf.remarks, declared.unknown_options(conf)) == ([], [])


def test_options_of_what_is_not_named_are_passed_over(build):
    conf = build(PROMETHEUS)

    assert (conf.remarks, declared.unknown_options(conf)) == ([], [])


FIRST = """
[extractor]
user = accounting-user
password = secret
endpoint = https://keystone.example.org:5000/v2.0
insecure = true
"""


def test_the_credentials_of_the_first_release_log_in_to_keystone_3(build):
    conf = build(FIRST)

    assert access_from_conf(conf, environ={})
    group = conf.keystone_auth
    assert (group.auth_type, group.auth_url) == ("password", "https://keystone.example.org:5000/v3")
    assert (group.username, group.password, group.user_domain_name) == ("accounting-user", "secret", "Default")
    assert group.insecure is True
    assert len(conf.remarks) == 1
    assert "secret" not in conf.remarks[0]
    assert "[keystone_auth] auth_type = password" in conf.remarks[0]
    assert declared.unknown_options(conf) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("endpoint = http://k/v2.0\ninsecure = perhaps\n", r"\[extractor\] insecure: .*'perhaps'; write true or false"),
        ("user = a\n", r"\[extractor\] user, password: no endpoint; set auth_url in \[keystone_auth\]"),
        ("endpoint = http://k/v2.0\nuser = a$b\n", r"\[keystone_auth\] username: what follows a \$ .* write \$\$"),
    ],
)
def test_what_is_wrong_with_the_credentials_of_the_first_release_is_a_sentence_without_the_password(build, text, told):
    with pytest.raises(ConfigError, match=told) as caught:
        build(f"[extractor]\npassword = secret\n{text}")

    assert "secret" not in str(caught.value)


def test_the_user_of_the_first_release_has_a_default(build):
    conf = build("[extractor]\npassword = secret\nendpoint = http://k:5000/v2.0/\n")

    assert conf.keystone_auth.username == "accounting"
    assert conf.keystone_auth.auth_url == "http://k:5000/v3"
    assert conf.keystone_auth.insecure is False


def test_credentials_of_keystone_auth_count_more_than_those_of_the_first_release(build):
    conf = build(f"{FIRST}[keystone_auth]\nauth_type = password\nauth_url = http://new/v3\nusername = new\n")

    assert access_from_conf(conf, environ={})
    assert (conf.keystone_auth.auth_url, conf.keystone_auth.username) == ("http://new/v3", "new")
    assert conf.remarks == [
        "[extractor] user, password, endpoint, insecure: not read, since [keystone_auth] has credentials; take it out"
    ]


def test_the_default_mapping_file_of_the_first_release_counts_less_than_the_one_of_today(build):
    conf = build("[DEFAULT]\nmapping_file = /new\n[extractor]\nmapping_file = /old\n")

    assert conf.mapping_file == "/new"


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("extract-from", "2024-02-01", "2024-02-01"),
        ("extract-from", "None", "None"),
        ("extract-to", "2024-02-01T10:00:00+02:00", "2024-02-01T10:00:00+02:00"),
        ("extractor", "nova", ["nova"]),
        ("projects", "a,b", ["a", "b"]),
        ("tenants", "a,b", ["a", "b"]),
        ("vo-property", "VO", ["VO"]),
        ("caso-tag", "accounted", "accounted"),
        ("dry-run", None, True),
        ("debug", None, True),
    ],
)
@pytest.mark.parametrize("spelling", ["-", "_"])
def test_the_command_line_of_caso_extract_in_both_spellings(build, name, value, meant, spelling):
    word = "--" + name.replace("-", spelling)

    apart, joined = build("", word, *([value] if value else [])), build("", f"{word}={value}" if value else word)

    option = {"tenants": "projects"}.get(name, name.replace("-", "_"))
    assert (apart[option], joined[option]) == (meant, meant)
    assert apart.remarks == ([f"--{name} is a name of an older release; write --projects"] if name == "tenants" else [])


@pytest.mark.parametrize("spelling", ["-", "_"])
def test_files_and_folders_are_named_in_both_spellings(tmp_path, spelling):
    (tmp_path / "one.conf").write_text("[DEFAULT]\nsite_name = A\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "two.conf").write_text("[DEFAULT]\nservice_name = B\n")

    conf = config.build(
        [f"--config{spelling}file", f"{tmp_path}/one.conf", f"--config{spelling}dir={tmp_path}/more", "-d"],
        "caso-extract",
        files=[],
    )

    assert (conf.site_name, conf.service_name, conf.debug) == ("A", "B", True)


def test_a_date_without_a_zone_is_utc_wherever_caso_runs(monkeypatch):
    monkeypatch.setenv("TZ", "America/Denver")

    assert parse_instant("2024-02-01T10:00:00", "x").isoformat() == "2024-02-01T10:00:00+00:00"


def test_nothing_is_told_before_there_is_a_log_nor_with_help(build, capsys, caplog):
    build("[DEFAULT]\ntenants = a\nmessengers = ssmv4\nbenchmark_name_key = x\n")
    with pytest.raises(SystemExit):
        build("[DEFAULT]\ntenants = a\nmessengers = ssmv4\n", "--help")

    assert capsys.readouterr().err == ""
    assert caplog.text == ""


def test_each_old_name_is_told_once_through_the_log(tmp_path: Path, capsys):
    path = tmp_path / "caso.conf"
    path.write_text("[DEFAULT]\ntenants = a\nmessengers = ssmv4\n")
    before = logging.getLogger().handlers

    try:
        status = command("caso-extract", lambda conf: 0, [f"--config-file={path}"])
    finally:
        logging.getLogger().handlers = before

    told = capsys.readouterr().err
    assert status == 0
    assert [told.count(word) for word in ("ssmv4", "tenants")] == [1, 1]


def test_credentials_in_the_endpoint_of_prometheus_are_sent_unless_there_are_others(build):
    base = "[DEFAULT]\nextractor = nova,prometheus\n[prometheus]\nprometheus_endpoint = http://me:p%40ss@prom.example.org:9090\n"

    named, token = (connection_from(build(base + more).prometheus) for more in ("", "token = t\n"))

    assert named["url"] == token["url"] == "http://prom.example.org:9090"
    assert named["headers"] == {"Authorization": "Basic bWU6cEBzcw=="}
    assert token["headers"] == {"Authorization": "Bearer t"}
