"""A store file that is damaged anywhere is refused at the start, or ends the run where it is read: never a wrong record."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from caso.errors import StoreError
from caso.extractors.base import Ask, Page
from caso.extractors.nova import NovaExtractor
from caso.store import open_scratch, open_store, soundness
from caso.store.engine import Database, engine_of
from caso.testing.sources import fake_sources
from tests.unit.cloudlet import T1, T2, Cloudlet
from tests.unit.dying import EVERYTHING, die_at
from tests.unit.store.building import HERE, NOVA, NOW, a_server, url

PAGE = 4096
SECTOR = 512


@pytest.fixture
def file(path: Path) -> Path:
    """A store of some hundred pages."""
    with open_store(url(path)) as store:
        store.observe(HERE, [a_server(f"vm-{number}") for number in range(500)], by="nova")
        with store.transaction() as step:
            step.checkpoints.advance(NOVA, NOW)
    return path


def make_noise(file: Path, at: int, size: int = PAGE) -> bytes:
    """Overwrite bytes of the file; what is in it then."""
    with file.open("r+b") as content:
        content.seek(at)
        content.write(random.Random(at).randbytes(size))
    return file.read_bytes()


@pytest.mark.parametrize("opening", [open_store, open_scratch])
@pytest.mark.parametrize("place", ["header", "first table", "middle", "end"])
def test_a_page_of_noise_anywhere_is_refused_at_the_start_and_left_as_it_is(file, place, opening):
    size = file.stat().st_size
    at = {"header": 0, "first table": PAGE, "middle": size // 2 // PAGE * PAGE, "end": size - PAGE}[place]
    content = make_noise(file, at)

    with pytest.raises(StoreError, match=r"the file is damaged: restore it from a backup") as caught:
        opening(url(file))

    assert str(file) in str(caught.value)
    assert file.read_bytes() == content


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_file_that_was_cut_anywhere_is_refused(file, share):
    os.truncate(file, int(file.stat().st_size * share))

    with pytest.raises(StoreError, match="restore it from a backup"):
        open_store(url(file))


def test_every_page_is_looked_at(file):
    whole = file.read_bytes()
    for at in range(0, len(whole), PAGE):
        make_noise(file, at)

        with pytest.raises(StoreError, match="damaged"):
            open_store(url(file))

        file.write_bytes(whole)


def test_a_damaged_file_of_an_older_caso_is_not_migrated(file):
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    make_noise(file, file.stat().st_size // 2 // PAGE * PAGE)

    with pytest.raises(StoreError, match="damaged"):
        open_store(url(file))

    assert [one.name for one in file.parent.glob("*.bak-*")] == []


def test_a_large_file_is_looked_through_once_a_day_and_when_the_clock_was_set_back(file):
    look_through(file, NOW)
    make_noise(file, file.stat().st_size // 2 // PAGE * PAGE)

    look_through(file, NOW + timedelta(hours=23))
    for later in (NOW + timedelta(hours=24), NOW - timedelta(seconds=1)):
        with pytest.raises(StoreError, match="damaged"):
            look_through(file, later)


def look_through(file: Path, now: datetime) -> None:
    """As a large file, by a process of its own."""
    database = Database(engine_of(url(file)))
    try:
        soundness.require_sound(database, now, at_every_start=0)
    finally:
        database.close()


@pytest.mark.parametrize("sectors", [30, pytest.param(300, marks=pytest.mark.soak)])
def test_noise_of_a_sector_anywhere_never_makes_a_wrong_record(tmp_path, sectors):
    site = Cloudlet(tmp_path / "whole", extractors=EVERYTHING)
    site.run(T1)
    shutil.copytree(tmp_path / "whole", tmp_path / "t1")
    site.run(T2)
    wanted = site.received()
    size = (tmp_path / "t1/spool/caso.sqlite").stat().st_size
    outcomes = {"refused": 0, "ended": 0, "harmless": 0}

    for at in random.Random(5).sample(range(0, size, SECTOR), sectors):
        folder = shutil.copytree(tmp_path / "t1", tmp_path / "damaged")
        make_noise(folder / "spool/caso.sqlite", at, SECTOR)
        cloudlet = Cloudlet(folder, extractors=EVERYTHING)
        outcome, said = _outcome_of_a_run(cloudlet)
        outcomes[outcome] += 1
        assert outcome == "harmless" or "the file is damaged: restore it" in said, f"noise at byte {at}: {said}"
        assert said.isprintable()
        if outcome == "harmless":
            assert cloudlet.received() == wanted, f"noise at byte {at}"
        shutil.rmtree(folder)

    print(outcomes)
    assert outcomes["refused"] > sectors / 10


def _outcome_of_a_run(cloudlet: Cloudlet) -> tuple[str, str]:
    """What becomes of a run on a damaged store, and what is said of it; nothing but a StoreError is raised."""
    try:
        cloudlet.store().close()
    except StoreError as exc:
        return "refused", str(exc)
    try:
        cloudlet.run(T2)
    except StoreError as exc:
        return "ended", str(exc)
    return "harmless", ""


@pytest.mark.parametrize(
    "table", ["entities.body", "accounted.until", "records.content", "records.known_at", "checkpoints.until"]
)
def test_a_row_that_cannot_be_read_ends_the_run_and_keeps_nothing_of_what_it_was_in(tmp_path, table):
    cloudlet = Cloudlet(tmp_path, extractors=EVERYTHING)
    cloudlet.run(T1)
    name, column = table.split(".")
    with closing(sqlite3.connect(tmp_path / "spool/caso.sqlite")) as connection, connection:
        connection.execute(f"UPDATE {name} SET {column} = 'x' || {column}")

    with pytest.raises(StoreError, match=r"cannot be read.*the file is damaged: restore it"):
        cloudlet.run(T2)

    with closing(sqlite3.connect(tmp_path / "spool/caso.sqlite")) as connection:
        marks = {until.lstrip("x") for (until,) in connection.execute("SELECT until FROM checkpoints")}
        # Of a record, only what is compared is read: other scopes may have gone on before one was met.
        assert "2024-03-10T11:00:00.000000Z" in marks


class Reader(NovaExtractor):
    """Reads what caso remembers, where that cannot be read."""

    def extract(self, ask: Ask) -> Iterator[Page]:
        raise StoreError("the store holds a time that cannot be read")
        yield


def test_what_an_extractor_cannot_read_of_the_store_ends_the_run_and_not_only_its_scope(tmp_path):
    cloudlet = Cloudlet(tmp_path)
    cloudlet.run(T1)

    with pytest.raises(StoreError, match="cannot be read"):
        cloudlet.run(T2, extractors={"nova": Reader(fake_sources())})

    assert {until for _, until in cloudlet.checkpoints()} == {T1}


def test_a_write_ahead_log_that_is_damaged_gives_back_an_older_whole_state_and_the_next_run_makes_it_good(tmp_path):
    whole = Cloudlet(tmp_path / "whole", extractors=EVERYTHING)
    whole.run(T1)
    folder = tmp_path / "damaged"
    with whole.store() as reader, reader.database.read():
        # While somebody reads what was before, nothing is written back into the file, and the log stays.
        assert die_at(whole.folder, step=10**9) == 0
        shutil.copytree(whole.folder, folder)
    wanted = whole.received()
    log = folder / "spool/caso.sqlite-wal"
    frames = log.stat().st_size
    assert frames > 20 * PAGE

    for place in (0, frames // 3, frames * 2 // 3):
        again = shutil.copytree(folder, tmp_path / f"at-{place}")
        make_noise(again / "spool/caso.sqlite-wal", place, 100)
        cloudlet = Cloudlet(again, extractors=EVERYTHING)
        report = cloudlet.run(T2)

        assert report.exit_status == 0
        assert cloudlet.received() == wanted
        assert cloudlet.checkpoints() == whole.checkpoints()
