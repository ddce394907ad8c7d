"""The configuration: what a file may say, what is refused, and what is only told."""

from datetime import UTC, datetime

import pytest

from caso import config, wiring
from caso.errors import ConfigError
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

    told = config.unknown_options(conf)

    assert [sentence.split(": ", 1)[1] for sentence in told] == [
        "[DEFAULT] has no option messenger; did you mean messengers?",
        "[keystone_auth] has no option pasword; did you mean password?",
        "[ssm] has no option output_pth; did you mean output_path?",
    ]


def test_names_of_older_releases_and_groups_of_others_are_not_told(build):
    conf = build("[DEFAULT]\nbenchmark_name_key = a\nlogdir = /tmp\nlock_path = /x\ndebug = false\n[prometheus]\na = b\n")

    assert config.unknown_options(conf) == []


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


def test_an_argument_that_there_is_not_is_told_and_ends_it(build, capsys):
    with pytest.raises(SystemExit):
        build("", "--sight-name=x")

    assert "--sight-name" in capsys.readouterr().err


def test_a_misspelled_option_in_a_folder_of_files_is_told_too(tmp_path):
    (tmp_path / "site.conf").write_text("[DEFAULT]\nsight_name = x\n")

    conf = config.build([f"--config-dir={tmp_path}"], "caso-extract", files=[])

    assert config.unknown_options(conf) == [f"{tmp_path}/site.conf: [DEFAULT] has no option sight_name; did you mean site_name?"]


@pytest.mark.parametrize("arguments", [["--projects=a"], ["--projects", "a"], ["--proj=a"], ["--tenants=a"]])
def test_an_option_of_the_command_line_is_of_this_run_only_whatever_the_file_says(build, arguments):
    text = "[DEFAULT]\nprojects = a,b\n"

    assert build(text, *arguments).projects == ["a"]
    assert build(text, *arguments).spoken("projects")
    assert not build(text).spoken("projects")
    assert not build(text, "--site-name=projects").spoken("projects")


def test_a_switch_is_turned_off_in_three_spellings(build):
    text = "[DEFAULT]\ndry_run = true\n"

    assert [build(text, word).dry_run for word in ("--nodry-run", "--nodry_run", "--no-dry-run")] == [False] * 3


@pytest.mark.parametrize("content", [b"\xff\xfe", None], ids=["not UTF-8", "a directory"])
def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path, content):
    path = tmp_path / "caso.conf"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)

    with pytest.raises(ConfigError, match="cannot read the configuration"):
        config.build([f"--config-file={path}"], "caso-extract", files=[])


def test_none_is_the_beginning_and_no_date_is_before_it(build):
    assert wiring.period_of(build("", "--extract-from=None"), NOW).since == BEGINNING
    assert wiring.period_of(build("", "--extract-from=0001-01-01"), NOW).since == BEGINNING


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
