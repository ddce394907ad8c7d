"""The configuration: what a file may say, what is refused, and what is only told."""

from datetime import UTC, datetime

import pytest

from caso import config, declared, wiring
from caso.errors import ConfigError
from caso.projects import VoMapping
from caso.sources.credentials import access_from_conf
from caso.window import BEGINNING, parse_instant

NOW = datetime(2024, 3, 10, 12, 0, 0, 5, tzinfo=UTC)


@pytest.fixture
def build(tmp_path):
    def from_text(text, *arguments):
        path = tmp_path / "caso.conf"
        path.write_text(text)
        return config.build([f"--config-file={path}", *arguments], "caso-extract", files=[])

    return from_text


def test_a_misspelled_option_of_a_file_is_told_with_the_likely_spelling(build):
    conf = build("[DEFAULT]\nmessenger = ssm\n[ssm]\noutput_pth = /x\n[keystone_auth]\npasword = x\n", "--messengers=ssm")

    told = declared.unknown_options(conf)

    assert [sentence.split(": ", 1)[1] for sentence in told] == [
        "[DEFAULT] has no option messenger; did you mean messengers?",
        "[keystone_auth] has no option pasword; did you mean password?",
        "[ssm] has no option output_pth; did you mean output_path?",
    ]


@pytest.mark.parametrize("word", ["site-name", "Site_name"])
def test_a_name_that_a_file_may_not_have_is_told_though_the_command_line_knows_it(build, word):
    conf = build(f"[DEFAULT]\n{word} = X\n")

    assert conf.site_name is None
    assert [sentence.split(": ", 1)[1] for sentence in declared.unknown_options(conf)] == [
        f"[DEFAULT] has no option {word}; did you mean site_name?"
    ]


@pytest.mark.parametrize(
    ("group", "meant"),
    [
        ("keystone-auth", "keystone_auth"),
        ("messengers_ssm", "messenger_ssm"),
        ("benchmarks", "benchmark"),
        ("default", "DEFAULT"),
    ],
)
def test_a_group_that_is_spelled_nearly_as_one_that_is_read_is_told(build, group, meant):
    conf = build(f"[{group}]\na = b\n", "--messengers=ssm")

    assert [sentence.split(": ", 1)[1] for sentence in declared.unknown_options(conf)] == [
        f"there is no group [{group}]; did you mean [{meant}]?"
    ]


@pytest.mark.parametrize("group", ["messenger_ssmv4", "ssm", "logstash", "greendigit_cim", "SSM", "keystone_authtoken", "mine"])
def test_groups_that_may_be_there_are_not_told(build, group):
    assert declared.unknown_options(build(f"[{group}]\na = b\n")) == []


def test_names_of_older_releases_and_groups_of_others_are_not_told(build):
    conf = build("[DEFAULT]\nbenchmark_name_key = a\nlogdir = /tmp\nlock_path = /x\ndebug = false\n[prometheus]\na = b\n")

    assert declared.unknown_options(conf) == []


def test_every_option_of_the_sample_is_known(build):
    groups = [f"[{group or 'DEFAULT'}]" for group, _ in config.list_opts()]

    assert len(groups) == len(set(groups))
    assert {"[DEFAULT]", "[store]", "[keystone_auth]", "[nova]", "[ssm]", "[messenger_ssm]", "[benchmark]"} <= set(groups)


def test_both_spellings_are_one(build):
    assert build("", "--extract_from=2024-01-01").extract_from == build("", "--extract-from=2024-01-01").extract_from


@pytest.mark.parametrize("option", ["messengers", "extractor"])
def test_nobody_to_ask_or_to_send_to_is_a_mistake(build, option):
    with pytest.raises(ConfigError, match=f"{option} is empty; name at least one of "):
        build(f"[DEFAULT]\n{option} =\n")


def test_a_value_of_the_wrong_type_names_the_option_and_the_file(build):
    with pytest.raises(ConfigError, match=r"keep_months from .*caso.conf"):
        build("[store]\nkeep_months = ten\n")


def test_a_value_of_the_wrong_type_of_an_option_of_the_command_line_names_the_file_too(build):
    with pytest.raises(ConfigError, match=r"threads in .*caso.conf: 'many' is not valid; it has to be Integer"):
        build("[DEFAULT]\nthreads = many\n")


def test_a_value_of_the_wrong_type_of_an_argument_names_no_file(build):
    with pytest.raises(ConfigError, match="threads in the arguments: '0' is not valid"):
        build("[DEFAULT]\nthreads = 2\n", "--threads=0")


def test_a_reference_to_no_option_is_a_sentence_that_tells_nothing_of_a_password(build):
    with pytest.raises(ConfigError, match=r"refers to \$nothing, and there is no such option"):
        build("[DEFAULT]\nspooldir = $nothing\n")

    conf = build("[keystone_auth]\nauth_type = password\nauth_url = http://k/v3\npassword = pass$word\n")
    with pytest.raises(ConfigError, match=r"\[keystone_auth\] password: what follows a \$ in it is no option") as caught:
        access_from_conf(conf, environ={})
    assert "word" not in str(caught.value).replace("password", "")


def test_an_argument_that_there_is_not_is_told_and_ends_it(build, capsys):
    with pytest.raises(SystemExit):
        build("", "--sight-name=x")

    assert "--sight-name" in capsys.readouterr().err


def test_a_misspelled_option_in_a_folder_of_files_is_told_too(tmp_path):
    (tmp_path / "site.conf").write_text("[DEFAULT]\nsight_name = x\n")

    conf = config.build([f"--config-dir={tmp_path}"], "caso-extract", files=[])

    assert declared.unknown_options(conf) == [
        f"{tmp_path}/site.conf: [DEFAULT] has no option sight_name; did you mean site_name?"
    ]


@pytest.mark.parametrize("arguments", [["--projects=a"], ["--projects", "a"], ["--proj=a"], ["--tenants=a"]])
def test_an_option_of_the_command_line_is_of_this_run_only_whatever_the_file_says(build, arguments):
    text = "[DEFAULT]\nprojects = a,b\n"

    assert build(text, *arguments).projects == ["a"]
    assert build(text, *arguments).spoken("projects")
    assert not build(text).spoken("projects")
    assert not build(text, "--site-name=projects").spoken("projects")


@pytest.mark.parametrize("text", ["[DEFAULT]\nprojects = a\n", ""], ids=["in a file as well", "in no file"])
def test_the_command_line_counts_more_than_the_environment_and_that_more_than_a_file(build, monkeypatch, text):
    monkeypatch.setenv("OS_DEFAULT__PROJECTS", "b")
    monkeypatch.setenv("OS_DEFAULT__SITE_NAME", "B")

    conf = build(f"{text}[ssm]\nmax_size = 7\n", "--projects=c", "--messengers=ssm")

    assert (conf.projects, conf.site_name, conf.ssm.max_size) == (["c"], "B", 7)
    assert build(text).projects == ["b"]


def test_a_switch_is_turned_off_in_three_spellings(build):
    text = "[DEFAULT]\ndry_run = true\n"

    assert [build(text, word).dry_run for word in ("--nodry-run", "--nodry_run", "--no-dry-run")] == [False] * 3


def test_which_of_several_files_is_not_in_utf_8_is_told(tmp_path):
    (tmp_path / "caso.conf").write_text("[DEFAULT]\n", encoding="utf-8")
    (tmp_path / "caso.conf.d").mkdir()
    (tmp_path / "caso.conf.d" / "site.conf").write_text("[DEFAULT]\n# Universit\u00e9\n", encoding="latin-1")

    with pytest.raises(ConfigError, match=r": \S+/caso.conf.d/site.conf: .*; save it as a text file in UTF-8"):
        config.build([f"--config-file={tmp_path}/caso.conf", f"--config-dir={tmp_path}/caso.conf.d"], "caso-extract", files=[])


def test_a_byte_order_mark_is_called_by_its_name(tmp_path):
    (tmp_path / "caso.conf").write_text("[DEFAULT]\n", encoding="utf-8-sig")

    with pytest.raises(ConfigError, match="byte order mark: save it as UTF-8 without one"):
        config.build([f"--config-file={tmp_path}/caso.conf"], "caso-extract", files=[])


@pytest.mark.parametrize("line", ["password hunter2", " password = hunter2", "= hunter2'\"", "[hunter2"])
def test_a_line_that_is_no_option_is_told_by_its_number_and_not_repeated_as_it_may_hold_a_password(build, line):
    with pytest.raises(ConfigError, match=r"caso\.conf:2, .*; write NAME = VALUE, unindented$") as caught:
        build(f"[keystone_auth]\n{line}\n")

    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_lines_that_end_as_on_windows_are_lines(tmp_path):
    (tmp_path / "caso.conf").write_bytes(b"[DEFAULT]\r\nsite_name = X\r\nprojects = a,\r\n  b\r\n")

    conf = config.build([], "caso-extract", files=[f"{tmp_path}/caso.conf"])

    assert (conf.site_name, conf.projects) == ("X", ["a", "b"])


@pytest.mark.parametrize("content", [b"\xff\xfe", None], ids=["not UTF-8", "a directory"])
def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path, content):
    path = tmp_path / "caso.conf"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)

    with pytest.raises(ConfigError, match="cannot read the configuration"):
        config.build([f"--config-file={path}"], "caso-extract", files=[])


def test_a_run_is_narrowed_by_what_it_alone_was_given(build):
    assert wiring._narrowed(build("", "--extractor=cinder"), "extractor", "region_name")
    assert not wiring._narrowed(build("[DEFAULT]\nextractor = cinder\n"), "extractor", "region_name")


def test_none_is_the_beginning_and_no_date_is_before_it(build):
    assert wiring.period_of(build("", "--extract-from=None"), NOW).since == BEGINNING
    assert wiring.period_of(build("", "--extract-from=0001-01-01"), NOW).since == BEGINNING


def test_an_option_without_a_value_is_one_that_is_not_set(build):
    conf = build("[DEFAULT]\nextract_from =\nextract_to =\nmapping_file =\ncaso_tag =\n")

    assert wiring.period_of(conf, NOW).since is None
    assert wiring.vo_mapping(conf) == VoMapping()


def test_a_period_is_in_whole_seconds_and_ends_now(build):
    period = wiring.period_of(build(""), NOW)

    assert (period.until, period.since, period.past) == (NOW.replace(microsecond=0), None, False)


@pytest.mark.parametrize("arguments", [["--extract-from=2024-03-11"], ["--extract-to=2024-03-11"]])
def test_the_future_cannot_be_extracted(build, arguments):
    with pytest.raises(ConfigError, match="lies in the future"):
        wiring.period_of(build("", *arguments), NOW)


@pytest.mark.parametrize("text", ["01/10/2026", "3.4.2024 12:00"])
def test_a_date_that_may_be_read_in_two_ways_is_refused(text):
    with pytest.raises(ConfigError, match="may be"):
        parse_instant(text, "--extract-from")


@pytest.mark.parametrize(
    ("text", "hour"),
    [("2024-02-01", 0), ("2024-02-01T02:00:00+02:00", 0), ("1 Feb 2024 03:00", 3), ("2024-02-01 02:00:00.123", 2)],
)
def test_dates_are_utc_unless_they_carry_a_zone(text, hour):
    instant = parse_instant(text, "--extract-from").replace(microsecond=0)

    assert instant == datetime(2024, 2, 1, hour, tzinfo=UTC)


def test_a_run_is_about_some_messengers_only_where_it_alone_was_given_them(build):
    site = "[DEFAULT]\nsite_name = SITE\nmessengers = noop\n[keystone_auth]\nauth_type = none\n"

    assert wiring.job(build(site, "--messengers=noop"), NOW).some_outlets
    assert not wiring.job(build(site), NOW).some_outlets


def test_what_only_the_environment_says_is_not_typed(build, monkeypatch):
    monkeypatch.setenv("OS_DEFAULT__DRY_RUN", "false")

    assert build("").spoken("dry_run")
    assert not build("").typed("dry_run")
    assert build("", "--no-dry-run").typed("dry_run")
