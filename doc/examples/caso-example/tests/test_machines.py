"""The extractor keeps the contract, and says no to a file that is old or damaged."""

import os
from datetime import timedelta

import pytest
from caso_example.machines import COLUMNS, MachinesExtractor

from caso.errors import SourceError
from caso.extractors.base import Ask
from caso.testing.extractor_contract import MINE, NOW, THEIRS, WINDOW, YOURS, ExtractorContract
from caso.testing.sources import REGION, fake_sources


def write(path, *lines, at=NOW):
    """A file of these lines below the first one, written at a time."""
    path.write_text("\n".join([",".join(COLUMNS), *lines]) + "\n")
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def a_line(machine, project, since="2024-02-01", until=""):
    return f"{machine},{REGION},{project},name,lent,64,524288,960,{since},{until}"


def everyones_machines():
    for project in (MINE, YOURS, THEIRS):
        yield a_line(f"{project}-alive", project)
        yield a_line(f"{project}-before", project, until="2024-02-20")
        yield a_line(f"{project}-inside", project, until="2024-03-01T12:00:00+00:00")
        yield a_line(f"{project}-odd", project, since="?")


class TestMachines(ExtractorContract):
    extractor = MachinesExtractor

    @pytest.fixture(autouse=True)
    def file(self, tmp_path):
        self.settings = {"path": str(write(tmp_path / "machines.csv", *everyones_machines()))}

    def sources(self, **cloud):
        # No API is asked: nothing of the cloud can refuse, fail or hide.
        return fake_sources()


def test_an_old_file_leaves_the_projects_to_the_next_run(tmp_path):
    path = write(tmp_path / "machines.csv", a_line("machine-1", MINE), at=NOW - timedelta(days=2))

    with pytest.raises(SourceError, match="too old"):
        list(MachinesExtractor(path).extract(Ask(REGION, {MINE: WINDOW})))


def test_a_file_that_lacks_columns_is_told_which(tmp_path):
    path = tmp_path / "machines.csv"
    path.write_text("id,project_id\n")

    with pytest.raises(SourceError, match="does not name cores"):
        list(MachinesExtractor(path).extract(Ask(REGION, {MINE: WINDOW})))


def test_a_machine_of_another_region_is_not_told(tmp_path):
    path = write(tmp_path / "machines.csv", a_line("machine-1", MINE))

    (page,) = MachinesExtractor(path).extract(Ask("RegionTwo", {MINE: WINDOW}))

    assert page.seen == ()
