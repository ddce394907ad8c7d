"""caso-ledger as a process, on a store that needs no cloud."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from caso.delivery import Outlet, deliver, subscribe
from caso.errors import RejectedError
from caso.messengers.base import Messenger
from caso.records import CloudRecord, Record
from caso.store import Place, Statement, Store, open_store
from caso.testing.records import SERVER, a_cloud_record, an_accelerator_record
from caso.window import Month
from tests.surroundings import environ

NOW = datetime(2024, 3, 10, 12, tzinfo=UTC)
OTHER = "0c1d2e3f-4a5b-4c7d-8e9f-a0b1c2d3e4f5"
FEBRUARY = datetime(2024, 2, 11, tzinfo=UTC)
MARCH = datetime(2024, 3, 9, tzinfo=UTC)
KEY = f"cloud/{SERVER}/2024-02"
REFUSED = f"cloud/{OTHER}/2024-03"
PASSWORD = "hunter2"


class Taking(Messenger):
    """Takes all but the records of one server."""

    def __init__(self, refuses: str = "") -> None:
        self.refuses = refuses

    @classmethod
    def from_conf(cls, conf: Any) -> Taking:
        return cls()

    def send(self, records: Any) -> None:
        refused = {one.key: "no such\x1b[31m site" for one in records if getattr(one, "vm_uuid", "") == self.refuses}
        if refused:
            raise RejectedError(refused)


class Odd(CloudRecord):
    """Of a kind that only a plug-in makes which is not installed."""

    kind = "odd"


class Site:
    """A directory with a caso.conf and a store; what caso-ledger prints of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.conf = folder / "caso.conf"
        self.conf.write_text(f"[DEFAULT]\nspooldir = {folder}/spool\nmessengers = ssm, logstash\n")

    @property
    def store(self) -> Store:
        return open_store(f"sqlite:///{self.folder}/spool/caso.sqlite", kinds=None)

    def fill(self) -> None:
        """Two servers, one with GPUs: ssm has accepted what it did not refuse, nothing was sent to the other one yet."""
        with self.store as store:
            subscribe(store, [Outlet("logstash", Taking()), Outlet("ssm", Taking())], NOW)
            self.put(store, SERVER, a_cloud_record(measured_at=FEBRUARY), a_cloud_record(measured_at=MARCH))
            self.put(store, SERVER, an_accelerator_record(measured_at=MARCH))
            self.put(store, OTHER, a_cloud_record(vm_uuid=OTHER, measured_at=MARCH, user_name="\x1b[31mmallory"))
            deliver(store, [Outlet("ssm", Taking(refuses=OTHER))], lambda: NOW)

    def put(self, store: Store, uuid: str, *records: Record) -> None:
        statement = Statement(
            subject=f"server/{uuid}",
            kinds=frozenset(record.kind for record in records),
            since=Month(2024, 1),
            until=Month(2024, 12),
            known_at=NOW,
            records=records,
            place=Place("cloud", "north"),
            project_id=getattr(records[0], "project_id", ""),
        )
        with store.transaction() as step:
            step.ledger.put(statement)

    def words(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).with_name("caso-ledger")), f"--config-file={self.conf}", *arguments]

    def ledger(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        surrounding = environ()
        return subprocess.run(
            self.words(*arguments), env=surrounding, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )

    def head(self, *arguments: str) -> tuple[str, str]:
        """The first line that it prints to a reader who then goes away, and what it says of that."""
        with subprocess.Popen(self.words(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            line = process.stdout.readline()
            process.stdout.close()
            return line, process.stderr.read()

    def json(self, *arguments: str) -> list[dict[str, Any]]:
        done = self.ledger(*arguments, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found

    def due(self, messenger: str) -> set[str]:
        with self.store as store:
            return {held.key for held in store.ledger.due(messenger, 1000)}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    filled = Site(tmp_path)
    (tmp_path / "spool").mkdir()
    filled.fill()
    return filled


def test_the_list_has_a_line_for_each_messenger_and_kind(site: Site):
    done = site.ledger("list")

    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split() for line in done.stdout.splitlines() if "ssm" in line or "logstash" in line] == [
        ["logstash", "accelerator", "1", "0", "1", "0", "0", "2024-03-09", "00:00", "-"],
        ["logstash", "cloud", "3", "0", "3", "0", "0", "2024-02-11", "00:00", "-"],
        ["ssm", "accelerator", "1", "1", "0", "0", "0", "-", "2024-03-10", "12:00"],
        ["ssm", "cloud", "3", "2", "0", "1", "0", "-", "2024-03-10", "12:00"],
    ]


def test_the_list_as_json_has_the_members_that_the_manual_page_documents(site: Site):
    assert site.json("list", "--messenger=ssm", "--kind=cloud") == [
        {
            "messenger": "ssm",
            "kind": "cloud",
            "held": 3,
            "accepted": 2,
            "due": 0,
            "set_aside": 1,
            "skipped": 0,
            "not_taken": 0,
            "oldest_due": None,
            "newest_accepted": "2024-03-10T12:00:00Z",
            "readable": True,
        }
    ]


def test_records_are_listed_one_by_one_up_to_a_limit_and_the_rest_is_counted(site: Site):
    whole, first = site.ledger("list", "--records"), site.ledger("list", "--records", "--limit=1", "--month=2024-03")

    assert len([line for line in whole.stdout.splitlines() if "/2024-0" in line]) == 4
    assert whole.stderr == ""
    assert len([line for line in first.stdout.splitlines() if "/2024-0" in line]) == 1
    assert "2 more" in first.stderr


def test_a_record_in_the_list_as_json_says_how_it_stands_with_each_messenger(site: Site):
    (record,) = site.json("list", "--state=set-aside")

    assert record == {
        "key": REFUSED,
        "kind": "cloud",
        "month": "2024-03",
        "measured_at": "2024-03-09T00:00:00Z",
        "revision": 4,
        "retracted": False,
        "cloud": "cloud",
        "region": "north",
        "project_id": "3f2e1d0c9b8a47566574839201abcdef",
        "messengers": {
            "logstash": {"state": "due", "at": None, "reason": None, "accepted_revision": None},
            "ssm": {
                "state": "set_aside",
                "at": "2024-03-10T12:00:00Z",
                "reason": "no such\x1b[31m site",
                "accepted_revision": None,
            },
        },
    }


def test_a_record_is_shown_field_by_field_and_with_what_each_messenger_did(site: Site):
    done = site.ledger("show", REFUSED)

    assert (done.returncode, done.stderr) == (0, "")
    for text in (REFUSED, "vo.example.org", "wall_seconds", "2024-03-09 00:00", "north", "set aside", "no such", "due"):
        assert text in done.stdout
    assert "\x1b" not in done.stdout


def test_a_record_shown_as_json_has_its_content(site: Site):
    (record,) = site.json("show", KEY)

    assert record["content"]["vm_uuid"] == SERVER
    assert record["content"]["measured_at"] == "2024-02-11T00:00:00+00:00"
    assert (record["subject"], record["known_at"]) == (f"server/{SERVER}", "2024-02-11T00:00:00Z")
    assert record["messengers"]["ssm"]["state"] == "accepted"


def test_a_uuid_in_place_of_a_key_is_answered_with_the_keys_that_hold_it(site: Site):
    done = site.ledger("show", OTHER)

    assert (done.returncode, done.stdout) == (1, "")
    assert REFUSED in done.stderr
    assert SERVER not in done.stderr


def test_what_is_refused_is_listed_with_its_reason(site: Site):
    shown, (row,) = site.ledger("rejected"), site.json("rejected")

    assert REFUSED in shown.stdout
    assert "no such\ufffd[31m site" in shown.stdout
    assert (row["messenger"], row["key"], row["at"], row["reason"]) == (
        "ssm",
        REFUSED,
        "2024-03-10T12:00:00Z",
        "no such\x1b[31m site",
    )


def test_what_was_refused_is_due_again_after_a_retry(site: Site):
    done = site.ledger("retry")

    assert (done.returncode, done.stdout) == (0, "ssm: 1 records are due again (cloud 1)\n")
    assert site.due("ssm") == {REFUSED}
    assert site.ledger("retry").stdout == "There is nothing to do.\n"


def test_a_key_that_was_accepted_is_not_tried_again_and_that_is_said(site: Site):
    done = site.ledger("retry", KEY)

    assert (done.returncode, done.stdout) == (0, "There is nothing to do.\n")
    assert f"{KEY} is left as it is (logstash: due, ssm: accepted)" in done.stderr
    assert site.due("ssm") == set()


def test_a_replay_needs_a_yes_where_nobody_can_be_asked(site: Site):
    refused = site.ledger("replay", "--messenger=ssm")
    assert (refused.returncode, site.due("ssm")) == (2, set())
    assert "3 records" in refused.stderr
    assert "--yes" in refused.stderr

    done = site.ledger("replay", "--messenger=ssm", "--since=2024-03", "--kind=cloud", "--yes")

    assert (done.returncode, done.stdout) == (0, "ssm: 1 records are due again (cloud 1)\n")
    assert site.due("ssm") == {f"cloud/{SERVER}/2024-03"}


@pytest.mark.parametrize(("answer", "status", "due"), [(b"y\n", 0, 1), (b"\n", 2, 0)])
def test_a_replay_asks_at_a_terminal(site: Site, answer: bytes, status: int, due: int):
    ours, theirs = pty.openpty()
    os.write(ours, answer)

    words = site.words("replay", "--messenger=ssm", "--month=2024-02")
    done = subprocess.run(words, stdin=theirs, capture_output=True, text=True, check=False)

    os.close(theirs)
    os.close(ours)
    assert (done.returncode, len(site.due("ssm"))) == (status, due)
    assert "Send 1 records to ssm again? [y/N]" in done.stderr


def test_what_is_forgotten_is_named_and_needs_a_yes(site: Site):
    words = ["forget", "--messenger=logstash", KEY]
    refused = site.ledger(*words)
    assert (refused.returncode, KEY in site.due("logstash")) == (2, True)

    done = site.ledger(*words, "--yes")

    assert done.stdout == "logstash: 1 records are not sent any more until they change (cloud 1)\n"
    assert (KEY in site.due("logstash"), len(site.due("logstash"))) == (False, 3)
    (record,) = site.json("show", KEY)
    assert record["messengers"]["logstash"]["reason"] == "forgotten by an administrator"
    assert site.ledger("retry", KEY).returncode == 0
    assert KEY in site.due("logstash")


def test_all_is_forgotten_only_when_all_is_said(site: Site):
    vague = site.ledger("forget", "--messenger=logstash", "--yes")
    assert vague.returncode == 2
    assert "--all" in vague.stderr

    site.ledger("forget", "--messenger=logstash", "--all", "--yes")

    assert site.due("logstash") == set()


@pytest.mark.parametrize(
    "words",
    [["--dry-run", "retry"], ["retry", "--dry_run"], ["replay", "--messenger=ssm", "--dry-run"]],
    ids=["before", "after", "replay"],
)
def test_a_dry_run_says_what_would_be_done_and_does_not(site: Site, words: list[str]):
    done = site.ledger(*words)

    assert done.returncode == 0
    assert "would be due again" in done.stdout
    assert site.due("ssm") == set()


def test_what_was_changed_is_told_as_json(site: Site):
    assert site.json("replay", "--messenger=ssm", "--yes") == [
        {"messenger": "ssm", "kind": "accelerator", "records": 1, "dry_run": False},
        {"messenger": "ssm", "kind": "cloud", "records": 2, "dry_run": False},
    ]
    assert site.json("retry", "--dry-run") == [{"messenger": "ssm", "kind": "cloud", "records": 1, "dry_run": True}]
    assert site.json("rejected", "--messenger=logstash") == []


def test_nothing_is_changed_while_a_delivery_is_at_work(site: Site):
    with site.store as store, store.locks.acquire(["messenger ssm"], NOW):
        done = site.ledger("retry")

    assert (done.returncode, done.stdout) == (2, "")
    assert f"messenger ssm is locked by process {os.getpid()} on " in done.stderr
    assert site.due("ssm") == set()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["list", "--messenger=smm"], 1, "logstash, ssm"),
        (["list", "--kind=clowd"], 1, "accelerator, cloud"),
        (["rejected", "--project=nobody"], 1, "--project nobody"),
        (["retry", KEY, "cloud/none/2024-02"], 1, "cloud/none/2024-02"),
        (["show", "nothing-like-it"], 1, "list --records"),
        (["list", "--month=October"], 2, "'October' is no month; write it like 2026-10"),
        (["list", "--limit=-1"], 2, "'-1' is no number"),
        (["replay"], 2, "--messenger"),
        (["lst"], 2, "rejected"),
        ([], 2, "command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_mistyped_is_a_sentence_and_changes_nothing(site: Site, words: list[str], status: int, said: str):
    done = site.ledger(*words)

    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert site.due("ssm") == set()


def test_a_store_that_is_not_there_yet_is_a_sentence_and_is_not_made(tmp_path: Path):
    done = Site(tmp_path).ledger("retry")

    assert done.returncode == 2
    assert "there is none yet" in done.stderr
    assert sorted(tmp_path.iterdir()) == [tmp_path / "caso.conf"]


@pytest.mark.parametrize("words", [["list"], ["rejected"], ["show", KEY], ["list", "--records"]], ids=" ".join)
def test_to_look_changes_nothing(site: Site, words: list[str]):
    def files() -> dict[Path, bytes]:
        # SQLite leaves the index of an empty journal beside a store that was only read.
        return {path: path.read_bytes() for path in site.folder.rglob("*") if path.suffix in (".conf", ".sqlite")}

    before = files()

    assert site.ledger(*words).returncode == 0

    assert files() == before


def test_a_record_of_a_plugin_that_is_not_installed_is_listed_and_shown(site: Site):
    odd = Odd(**vars(a_cloud_record(vm_uuid="odd-1", measured_at=MARCH)))
    with site.store as store:
        site.put(store, "odd-1", odd)

    listed, shown = site.ledger("list", "--kind=odd"), site.ledger("show", odd.key)

    assert (listed.returncode, shown.returncode) == (0, 0)
    assert "No plug-in in use makes the kind odd" in listed.stdout
    assert "wall_seconds" in shown.stdout
    assert [row["readable"] for row in site.json("list", "--kind=odd")] == [False, False]


def test_a_password_of_the_store_is_not_printed(site: Site):
    site.conf.write_text(site.conf.read_text() + f"[store]\nconnection = postgresql+psycopg://caso:{PASSWORD}@127.0.0.1:1/caso\n")

    done = site.ledger("list")

    assert done.returncode == 2
    assert PASSWORD not in done.stdout + done.stderr


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path):
    site = Site(tmp_path)
    with site.store as store:
        for number in range(1500):
            uuid = f"{number:08d}-4a5b-4c7d-8e9f-a0b1c2d3e4f5"
            site.put(store, uuid, a_cloud_record(vm_uuid=uuid, measured_at=MARCH))

    assert site.head("list", "--records", "--json") == ("[\n", "")


@pytest.mark.parametrize("option", ["log_file = {}/none/caso.log", "log_config_append = {}/none", "default_log_levels = a"])
def test_a_log_that_cannot_be_is_a_sentence_and_nothing_is_started(tmp_path: Path, option: str):
    site = Site(tmp_path)
    site.conf.write_text(f"{site.conf.read_text()}{option.format(tmp_path)}\n")

    done = site.ledger("list")

    assert done.returncode == 2
    assert done.stderr.startswith("caso-ledger: there is no log as it is configured: ")
    assert "Traceback" not in done.stderr
