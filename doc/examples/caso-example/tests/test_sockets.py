"""Slots are told whole, and as the contract has them."""

import json

import pytest
from caso_example.sockets import SocketsExtractor

from caso.errors import SourceError
from caso.extractors.base import Ask
from caso.extractors.checking import faults
from caso.testing.extractor_contract import MINE, THEIRS
from caso.testing.sources import REGION
from caso.window import Window

NOON_TO_NOON = Window.parse("2024-03-01T12:00", "2024-03-02T12:00")


def told(path, *rows):
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (page,) = SocketsExtractor(path).extract(Ask(REGION, {MINE: NOON_TO_NOON}))
    assert list(faults(SocketsExtractor, page)) == []
    return page.measured


def a_row(day, project=MINE, **changes):
    return {"region": REGION, "project": project, "machine": "m", "day": day, "joules": 3.6e6, "seconds": 43200} | changes


def test_each_day_of_the_window_is_told_from_midnight_on(tmp_path):
    slots = told(tmp_path / "file", *(a_row(f"2024-{day}") for day in ("02-29", "03-01", "03-02", "03-03")))

    assert [f"{slot.start:%d %H} to {slot.end:%d %H}" for slot in slots] == ["01 00 to 02 00", "02 00 to 02 12"]


def test_nobody_else_is_told_of(tmp_path):
    assert told(tmp_path / "file", a_row("2024-03-01", THEIRS), a_row("2024-03-01", region="RegionTwo")) == ()


@pytest.mark.parametrize("text", ["?", '{"region": "RegionOne"}', "[]"])
def test_a_file_that_cannot_be_read_leaves_the_projects_to_the_next_run(tmp_path, text):
    path = tmp_path / "file"
    path.write_text(text)

    with pytest.raises(SourceError, match="cannot read"):
        list(SocketsExtractor(path).extract(Ask(REGION, {MINE: NOON_TO_NOON})))
