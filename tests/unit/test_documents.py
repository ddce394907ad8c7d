"""What --json prints."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta

import pytest

from caso.cli import documents
from caso.projects import Project
from caso.store import Checkpoint, Scope

NOW = datetime(2024, 3, 10, 12, tzinfo=UTC)
ALPHA = Project("p1", "alpha", "vo.example.org", "accounting:VO")


def a_checkpoint(project_id: str, extractor: str) -> Checkpoint:
    facts = dict.fromkeys(Checkpoint._fields)
    scope = Scope("cloud", "north", project_id, extractor)
    return Checkpoint(**(facts | {"scope": scope, "until": NOW - timedelta(hours=1)}))  # type: ignore[arg-type]


def test_a_project_says_how_far_each_of_its_extractors_is():
    marks = [a_checkpoint("p1", "nova"), a_checkpoint("p1", "cinder"), a_checkpoint("p2", "nova")]

    assert documents.project(ALPHA, marks, ["nova"], NOW) == {
        "project_id": "p1",
        "name": "alpha",
        "vo": "vo.example.org",
        "vo_source": "accounting:VO",
        "extracted": [
            {
                "extractor": "nova",
                "region": "north",
                "until": "2024-03-10T11:00:00Z",
                "behind_seconds": 3600,
                "reliable_until": None,
                "lag": None,
            }
        ],
    }


def test_a_project_without_a_vo_that_was_never_extracted_has_nulls_and_an_empty_list():
    bare = dataclasses.replace(ALPHA, vo=None, vo_source=None)

    found = documents.project(bare, [], ["nova"], NOW)

    assert (found["vo"], found["vo_source"], found["extracted"]) == (None, None, [])


@pytest.mark.parametrize("count", [0, 1, 3])
def test_what_is_printed_is_one_list_whatever_its_length(count, capsys):
    rows = [{"name": f"\x1b[31m\u00e9{n}"} for n in range(count)]

    documents.write(iter(rows))

    shown = capsys.readouterr().out
    assert json.loads(shown) == rows
    assert shown.isascii()
    assert "\x1b" not in shown
