"""Cinder behind its source: rows, pages, totals, and what is sent."""

from datetime import UTC, datetime

import pytest

from caso.errors import SourceError
from caso.sources import OddRow, VolumeRow
from caso.sources.volume import read_volume
from caso.testing.sources import fake_sources
from caso.testing.volumes import FakeVolume, a_volume

SINCE = datetime(2024, 3, 1, 12, tzinfo=UTC)


class Watched(FakeVolume):
    """Notes what it is asked."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.sent = []

    def answer(self, scope, path, params):
        self.sent.append(dict(params))
        return super().answer(scope, path, params)


def test_times_without_a_zone_are_utc():
    row = read_volume(a_volume())

    assert isinstance(row, VolumeRow)
    assert row.created_at == datetime(2024, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [({"size": -1}, "size"), ({"created_at": ""}, "created_at"), ({"id": None}, "id"), ({"attachments": [7]}, "attachments")],
)
def test_an_odd_row_is_kept_apart_with_its_reason(changes, complaint):
    row = read_volume(a_volume(**changes))

    assert isinstance(row, OddRow)
    assert complaint in row.reason
    assert row.tenant_id == "project-1"


def test_each_question_is_put_as_cinder_understands_it():
    cinder = Watched([a_volume()], admin=True)
    volumes = fake_sources(volume=cinder).volumes("one", "project-1")

    list(volumes.volumes("it"))
    list(volumes.volumes("it", all_projects=True))
    list(volumes.volumes("it", all_projects=True, project_id="p"))
    list(volumes.volumes("it", changed_since=SINCE))
    list(volumes.volumes("it", made_since=SINCE))

    limit = {"limit": "1000"}
    assert cinder.sent == [
        limit,
        limit | {"all_tenants": "1"},
        limit | {"all_tenants": "1", "project_id": "p"},
        limit | {"updated_at": "gte:2024-03-01T12:00:00"},
        limit | {"created_at": "gte:2024-03-01T12:00:00"},
    ]


def test_a_copy_in_the_making_is_left_out_and_a_migrated_volume_is_not():
    rows = [a_volume("copy", migration_status="target:well"), a_volume("well", migration_status="migrating"), a_volume("b")]
    volumes = fake_sources(volume=FakeVolume(rows)).volumes("one", "project-1")

    assert [row.id for page in volumes.volumes("it") for row in page.rows] == ["well", "b"]


@pytest.mark.parametrize("answer", [{}, {"volume-summary": {"total_count": "many"}}])
def test_a_total_that_is_none_is_an_error(answer):
    class Vague(FakeVolume):
        def answer(self, scope, path, params):
            return answer

    with pytest.raises(SourceError, match="cannot sum up the volumes of it"):
        fake_sources(volume=Vague()).volumes("one", "project-1").total("it")


@pytest.mark.parametrize(("version", "compares"), [("3.60", True), ("3.59", False), ("", False)])
def test_times_are_compared_from_3_60_on(version, compares):
    assert fake_sources(volume=FakeVolume(microversion=version)).volumes("one", "p").compares_times == compares
