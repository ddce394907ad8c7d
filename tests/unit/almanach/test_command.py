"""caso-almanach-import as a person runs it: files, standard input, where things belong, what is said, and its status."""

import io
import json
import logging
import sys
from types import SimpleNamespace

import pytest

from caso import config
from caso.cli.almanach_import import PROG, main
from caso.errors import ConfigError
from caso.lifecycle.server import Accelerator, Flavor
from caso.store import Place, open_store
from caso.testing.entities import seen_server
from caso.testing.servers import FakeCompute
from caso.testing.sources import REGION, fake_sources
from caso.wiring import moving_in
from tests.unit.almanach.database import NOON, exported, instance, minutes, volume

ROWS = [
    instance(minutes(0), minutes(5), colour="red"),
    instance(minutes(5), flavor="large"),
    volume(minutes(0)),
    {"volume_type_id": "t1", "volume_type_name": "fast"},
]


@pytest.fixture(autouse=True)
def _own_log(monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    for name in ("OS_CLOUD", "OS_AUTH_URL", "OS_AUTH_TYPE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def site(tmp_path):
    """A folder with a configuration without credentials, and an export."""
    (tmp_path / "caso.conf").write_text(f"[DEFAULT]\nspooldir = {tmp_path}\n[api]\nregion_name = RegionOne\n")
    (tmp_path / "entity.json").write_bytes(b"".join(exported(ROWS)))
    return tmp_path


def run(site, *arguments):
    return main([f"--config-file={site / 'caso.conf'}", *map(str, arguments)])


def opened(site):
    return open_store(f"sqlite:///{site / 'caso.sqlite'}")


def test_a_file_is_moved_in_and_the_summary_says_what_became_of_it(site, capsys):
    status = run(site, site / "entity.json")

    told = capsys.readouterr()
    assert status == 0
    assert [line.split() for line in told.out.splitlines() if line.startswith((" Servers", " Volume"))] == [
        ["Servers", "2", "1", "0", "0", "1"],
        ["Volumes", "1", "1", "0", "0", "1"],
        ["Volume", "types", "1", "-", "-", "-", "-"],
    ]
    assert "Moved in to RegionOne" in told.out
    assert "Servers with flavors that are known by name only: 1 (large, small). They make no records until" in told.out
    field = "nobody knows the field colour; it is left out wherever it is (rows: 1)"
    assert told.err == f"{PROG}: {site}/entity.json, line 1: {field}\n"
    with opened(site) as store:
        assert store.lives.places() == [Place("", "RegionOne")]


def test_a_second_time_all_is_as_it_is_known(site, capsys):
    run(site, site / "entity.json")
    capsys.readouterr()

    assert run(site, site / "entity.json") == 0
    (servers,) = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith(" Servers ")]
    assert servers == ["Servers", "2", "0", "0", "1", "1"]


def test_standard_input_is_read_where_a_dash_stands_for_it(site, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"".join(exported(ROWS[:2])))))

    status = run(site, "-")

    assert status == 0
    with opened(site) as store:
        assert store.lives.counts() == (1, 1)


def test_a_dry_run_says_the_same_and_changes_nothing(site, capsys):
    assert run(site, "--dry-run", site / "entity.json") == 0
    dry = capsys.readouterr().out
    assert not (site / "caso.sqlite").exists()

    run(site, site / "entity.json")

    wet = capsys.readouterr().out
    assert "Would be moved in to RegionOne (dry run: nothing was changed)" in dry
    assert dry.splitlines()[1:] == wet.splitlines()[1:]


def test_lines_that_are_left_out_make_a_status_of_one_and_the_first_are_named(site, capsys):
    (site / "odd.json").write_text("".join(f"{{{number}\n" for number in range(25)))

    status = run(site, site / "odd.json", site / "entity.json")

    told = capsys.readouterr()
    assert status == 1
    assert told.err.count("; the line is left out") == 20
    assert f"{site}/odd.json, line 20: it is no JSON" in told.err
    assert "5 more lines are left out" in told.err
    assert "Lines that are left out: 25 of 29" in told.out


def test_what_the_users_of_the_cloud_wrote_does_nothing_to_a_terminal(site, capsys):
    (site / "odd.json").write_text(json.dumps({"entity_type": "\x1b[31m"}) + "\n")

    run(site, site / "odd.json")

    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([], "no file; name what mongoexport wrote of Almanach's collections, or - for standard input"),
        (["/nowhere/e.json"], "cannot read /nowhere/e.json: No such file or directory; name a file of mongoexport"),
        (["/"], "cannot read /: Is a directory"),
        (["-", "-"], "-, standard input, can be read once only"),
    ],
    ids=str,
)
def test_without_something_to_read_nothing_is_started(site, capsys, files, why):
    assert run(site, *files) == 2
    assert f"{PROG}: {why}" in capsys.readouterr().err


def test_a_file_that_is_missing_leaves_the_others_unread(site, capsys):
    assert run(site, site / "entity.json", "/nowhere") == 2

    with opened(site) as store:
        assert store.lives.counts() == (0, 0)


CLOUD = (
    "[keystone_auth]\nauth_type = password\nauth_url = http://127.0.0.1:9/v3\nusername = u\npassword = p\nuser_domain_name = d\n"
)


def test_a_nova_that_does_not_answer_makes_a_status_of_one_and_all_is_moved_in(site, capsys):
    with (site / "caso.conf").open("a") as file:
        file.write(CLOUD)

    status = run(site, site / "entity.json")

    told = capsys.readouterr()
    assert status == 1
    assert f"{PROG}: Nova did not tell its flavors: " in told.err
    with opened(site) as store:
        assert store.lives.counts() == (2, 2)


def home(site, store, text="", *arguments):
    path = site / "own.conf"
    path.write_text(text)
    conf = config.build([f"--config-file={path}", *arguments], PROG, files=[])
    return moving_in.home(conf, store, moving_in.access(conf))


@pytest.fixture
def store(site):
    with opened(site) as one:
        yield one


def lives_in(store, *places):
    for place in places:
        store.observe(place, [seen_server(at=NOON)], by="nova")


ONE, TWO = Place("", "one"), Place("", "two")


def test_what_is_moved_in_belongs_where_the_store_knows_of_things(site, store):
    lives_in(store, Place("cloudy", "one"))

    assert home(site, store) == Place("cloudy", "one")


@pytest.mark.parametrize(
    ("text", "arguments", "region"),
    [
        ("[api]\nregion_name = three\n", (), "three"),
        ("[DEFAULT]\nregion_name = four, five\n", (), "four"),
        ("[DEFAULT]\nregion_name = four\n[api]\nregion_name = three\n", ("--region-name=five",), "five"),
    ],
    ids=["the API's", "the run's", "the command's"],
)
def test_of_several_places_the_one_that_is_named_is_taken(site, store, text, arguments, region):
    lives_in(store, ONE, TWO)

    assert home(site, store, text, *arguments) == Place("", region)


def test_the_only_place_counts_more_than_a_list_of_regions_to_account_for(site, store):
    lives_in(store, ONE)

    assert home(site, store, "[DEFAULT]\nregion_name = two, one\n") == ONE


@pytest.mark.parametrize(
    ("known", "why"), [((), "the store knows of none yet"), ((ONE, TWO), r"the store has several \(one, two\)")]
)
def test_a_region_that_nothing_tells_has_to_be_named(site, store, known, why):
    lives_in(store, *known)

    with pytest.raises(ConfigError, match=f"the region of Almanach is not known: {why}; name it with --region-name"):
        home(site, store)


def test_several_clouds_cannot_be_told_apart_without_credentials(site, store):
    lives_in(store, ONE, Place("cloudy", "one"))

    with pytest.raises(ConfigError, match=r"several clouds \('', 'cloudy'\); name the one that Almanach was of with --os-cloud"):
        home(site, store)
    assert home(site, store, CLOUD) == ONE


def test_credentials_that_are_incomplete_are_told(site, store):
    with pytest.raises(ConfigError, match="auth_type"):
        home(site, store, "[keystone_auth]\nauth_type = nonsense\nauth_url = http://k/v3\n[api]\nregion_name = r\n")


def test_a_name_that_no_store_keeps_is_refused(site, store):
    with pytest.raises(ConfigError, match="longer than 100 characters"):
        home(site, store, f"[api]\nregion_name = {'x' * 101}\n")


def asked():
    """Who asks a Nova that has a small flavor, which brings an accelerator, about flavors."""
    conf = config.build([], PROG, files=[])
    compute = FakeCompute(flavors={"small": {"Accelerator:Type": "GPU", "Accelerator:Model": "A100"}})
    return moving_in.ask_for_flavors(conf, REGION, fake_sources(compute=compute))


def test_a_flavor_that_nova_has_has_its_size_and_what_it_brings():
    assert asked()("small") == Flavor("small", 2, 4096, 40, accelerators=(Accelerator("GPU", "A100", 1),))


def test_a_flavor_that_nova_does_not_have_is_known_by_nobody():
    assert asked()("gone") is None
    assert moving_in.ask_for_flavors(config.build([], PROG, files=[]), REGION, None)("small") is None
