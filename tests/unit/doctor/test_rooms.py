"""What caso-doctor finds where no real cloud and no real disk can be made so: each room by itself."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from caso.doctor import clocks, lag, projects, recipients, spool, store
from caso.errors import SourceError
from caso.findings import Finding, Level, of_error
from caso.lifecycle.notice import Fate, Notice
from caso.messengers.noop import NoopMessenger
from caso.places import nearest
from caso.projects import Project, Projects, VoMapping
from caso.sources import Scope
from caso.store import Place, open_store
from caso.store import Scope as StoreScope
from caso.testing.sources import FakeIdentity, fake_sources
from tests.unit.cloudlet import T1

MIB = 1024 * 1024


def wrong(findings) -> list[str]:  # type: ignore[no-untyped-def]
    return [finding.what for finding in findings if finding.wrong]


def test_an_error_of_caso_is_split_into_what_and_what_to_do():
    assert of_error(SourceError("nova: it is down; start it; now"), "why") == Finding(
        Level.ERROR, "nova: it is down", "why", "start it; now"
    )
    assert of_error(SourceError("nova: no"), "why", "see its log").do == "see its log"


@pytest.mark.parametrize(("free", "held", "said"), [(100 * MIB, 1 * MIB, 0), (100 * MIB, 90 * MIB, 1), (0, 0, 1)])
def test_room_for_the_store_and_a_copy_of_it_is_asked_for(free: int, held: int, said: int):
    assert len(wrong(spool.room(free, held, Path("/var")))) == said


MOUNTS = r"""21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 21 0:35 / /srv/caso\040store rw shared:19 - nfs4 filer:/caso rw
41 40 8:2 / /srv/caso\040store/local rw shared:20 - xfs /dev/sdb rw
"""


@pytest.mark.parametrize(
    ("path", "said"), [("/srv/caso store/spool", 1), ("/srv/caso store/local/spool", 0), ("/var/spool/caso", 0), ("/srv/caso", 0)]
)
def test_a_store_on_a_file_system_of_the_network_is_told(path: str, said: int):
    assert len(wrong(spool.network(Path(path), MOUNTS))) == said


def test_a_spool_that_is_not_this_users_is_told(tmp_path: Path):
    folder = tmp_path / "spool"
    folder.mkdir(mode=0o700)
    assert wrong(spool.examine(folder, None)) == []

    if os.getuid() == 0:
        os.chown(folder, 65534, -1)
    else:
        folder.chmod(0o500)

    assert len(wrong(spool.examine(folder, None))) == 1


@pytest.mark.parametrize(
    ("seconds", "level"), [(9, Level.OK), (-9, Level.OK), (11, Level.WARNING), (-299, Level.WARNING), (-301, Level.ERROR)]
)
def test_a_clock_that_is_off_by_more_than_some_seconds_is_told(seconds: float, level: Level):
    assert [finding.level for finding in clocks.examine({"nova": seconds})] == [level]


def test_no_answer_tells_no_time():
    assert list(clocks.examine({})) == []


def test_a_list_of_projects_that_is_cut_off_is_an_error_and_what_to_do_is_said():
    def find(sources: object) -> Projects:
        raise SourceError("keystone: cannot list projects: the list is cut off after 5; ask its operator to raise list_limit")

    (finding,) = projects.examine(fake_sources(), find)

    assert (finding.level, finding.do) == (Level.ERROR, "ask its operator to raise list_limit")


def test_a_project_that_gives_no_token_is_no_finding_where_an_administrator_asks_out_of_all():
    project = Project("p2", "beta", "vo", "property VO")
    all_of_it = fake_sources(configured="p1", no_role_on=["p2"], roles=["admin"])
    its_own = fake_sources(configured="p1", no_role_on=["p2"], roles=["reader"])

    assert wrong(projects.examine(all_of_it, lambda _: Projects((project,)))) == []
    assert len(wrong(projects.examine(its_own, lambda _: Projects((project,))))) == 1


def test_a_mapping_file_that_says_what_the_property_says_is_no_finding():
    project = Project("p1", "alpha", "vo.alpha", "property VO")
    sources = fake_sources(identity=FakeIdentity([{"id": "p1", "name": "alpha"}]))

    same = projects.examine_vos([project], lambda: VoMapping(Path("voms.json"), {"alpha": "vo.alpha"}), sources)
    other = projects.examine_vos([project], lambda: VoMapping(Path("voms.json"), {"alpha": "vo.beta"}), sources)

    assert (wrong(same), len(wrong(other))) == ([], 1)


def test_whether_users_may_be_listed_is_asked_in_the_widest_scope():
    nobody = fake_sources(identity=FakeIdentity(lists_for=[]))
    system = fake_sources(identity=FakeIdentity(lists_for=[Scope.SYSTEM]))

    assert (nobody.identity.may_list("users"), system.identity.may_list("users")) == (False, True)


def expected(**changes: object) -> lag.Expected:
    plain = lag.Expected("", {"p1": "alpha"}, ["nova"], [("north", "p1", "nova")], {}, [])
    return plain._replace(**changes)


@pytest.mark.parametrize(
    ("after", "kept_days", "level", "words"),
    [
        (timedelta(hours=1), 30, Level.OK, "1 hour behind"),
        (timedelta(hours=25), 30, Level.WARNING, "1 of 1 projects are late"),
        (timedelta(days=31), 30, Level.ERROR, "31 days behind"),
        (-timedelta(hours=1), 30, Level.ERROR, "in the future"),
    ],
)
def test_how_far_a_scope_is_behind(tmp_path: Path, after: timedelta, kept_days: int, level: Level, words: str):
    with open_store(f"sqlite:///{tmp_path}/caso.sqlite") as held:
        with held.transaction() as step:
            step.checkpoints.advance(StoreScope("", "north", "p1", "nova"), T1)

        (finding,) = lag.examine(held, expected(kept={"nova": timedelta(days=kept_days)}), T1 + after)

    assert finding.level is level
    assert words in finding.what


def test_a_project_that_was_never_extracted_is_worth_a_note_once_others_were(tmp_path: Path):
    scopes = [("north", "p1", "nova"), ("north", "p2", "nova")]
    with open_store(f"sqlite:///{tmp_path}/caso.sqlite") as held:
        before = list(lag.examine(held, expected(scopes=scopes), T1))
        with held.transaction() as step:
            step.checkpoints.advance(StoreScope("", "north", "p1", "nova"), T1)

        after = [finding for finding in lag.examine(held, expected(scopes=scopes), T1) if finding.level is Level.NOTE]

    assert before == []
    assert [finding.what for finding in after] == ["nova in north has never extracted project p2"]


@pytest.mark.parametrize(
    ("fate", "level", "do"), [(Fate.DEAD, Level.WARNING, "caso-collect --dead list"), (Fate.WAITING, Level.NOTE, "volume types")]
)
def test_messages_that_are_not_understood_are_told_and_what_to_do(tmp_path: Path, fate: Fate, level: Level, do: str):
    message = Notice("m", "volume.create.end", T1, fate, "it tells no size", "{}")
    with open_store(f"sqlite:///{tmp_path}/caso.sqlite") as held:
        before = list(lag.examine(held, expected(), T1))
        held.take(Place("", "north"), [], [message], [], by="notifications", at=T1)

        (found,) = lag.examine(held, expected(), T1)

    assert before == []
    assert (found.level, found.what.split()[0], do in found.do) == (level, "1", True)


def test_a_store_of_a_newer_caso_is_an_error_and_one_of_an_older_a_note(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/caso.sqlite"
    levels = {}
    for revision in ("0000", "9999"):
        with open_store(url) as held, held.database.write() as connection:
            connection.exec_driver_sql(f"update alembic_version set version_num = '{revision}'")
        levels[revision] = [finding.level for finding in store.examine(url)]
        with held.database.write() as connection:
            connection.exec_driver_sql("update alembic_version set version_num = '0001'")

    assert levels["0000"] == [Level.NOTE, Level.OK]
    assert levels["9999"] == [Level.ERROR]


def test_a_page_of_the_store_that_was_overwritten_is_found(tmp_path: Path):
    path = tmp_path / "caso.sqlite"
    open_store(f"sqlite:///{path}").close()
    content = bytearray(path.read_bytes())
    content[3 * 4096 : 4 * 4096] = b"\xff" * 4096
    path.write_bytes(content)

    (finding,) = store.examine(f"sqlite:///{path}")

    assert (finding.level, "backup" in finding.do) == (Level.ERROR, True)


class Careless(NoopMessenger):
    def examine(self):  # type: ignore[no-untyped-def]
        raise RuntimeError("oops")


def test_a_messenger_that_fails_at_examining_itself_is_a_finding_of_its_own():
    (finding,) = recipients.examine("mine", Careless)

    assert (finding.level, finding.do) == (Level.ERROR, "tell its author")
    assert "oops" in finding.what


def test_a_link_that_leads_nowhere_is_in_the_way_and_not_passed_over(tmp_path):
    (tmp_path / "queue").symlink_to(tmp_path / "gone")

    assert nearest(tmp_path / "queue" / "below") == tmp_path / "queue"
    assert nearest(tmp_path / "gone" / "below") == tmp_path
