"""Every extractor of caso keeps the extractors' contract."""

from importlib.metadata import entry_points
from typing import ClassVar

from caso.extractors.ceilometer import CeilometerExtractor
from caso.extractors.cinder import CinderExtractor
from caso.extractors.neutron import NeutronExtractor
from caso.extractors.nova import NovaExtractor
from caso.extractors.prometheus import PrometheusExtractor
from caso.testing.extractor_contract import MINE, NOW, THEIRS, YOURS, ExtractorContract
from caso.testing.gnocchi import FakeGnocchi, a_resource
from caso.testing.servers import FakeCompute
from caso.testing.sources import FakeIdentity, fake_sources


class TestNova(ExtractorContract):
    extractor = NovaExtractor


class TestCinder(ExtractorContract):
    extractor = CinderExtractor
    ended_before = ended_inside = frozenset()


class TestNeutron(ExtractorContract):
    extractor = NeutronExtractor
    ended_before = ended_inside = frozenset()


class TestPrometheus(ExtractorContract):
    """By itself: it lists Nova's servers."""

    extractor = PrometheusExtractor


class TestNeutronWithGateways(TestNeutron):
    settings: ClassVar = {"addresses": ["floating", "fixed", "gateway"]}


class TestCeilometer(ExtractorContract):
    extractor = CeilometerExtractor

    def sources(self, *, may_list_all=True, fail_on_request=None, hidden=None):
        resources = [
            a_resource(f"{project}-{name}", project, flavor_id="m1.small", **changes)
            for project in (MINE, YOURS, THEIRS)
            for name, changes in (
                ("alive", {}),
                ("before", _ended("2024-02-20T00:00:00+00:00")),
                ("inside", _ended("2024-03-01T12:00:00+00:00")),
                ("odd", {"user_id": {}}),
            )
        ]
        return fake_sources(
            compute=FakeCompute(flavors={"m1.small": {}}, admin=may_list_all),
            gnocchi=FakeGnocchi(resources),
            identity=FakeIdentity(users={"user-1": "Ada"}),
            clock=lambda: NOW,
            fail_on_request=fail_on_request,
        )


def _ended(at):
    return {"ended_at": at, "revision_start": at}


def test_every_extractor_that_caso_registers_has_its_contract_run():
    registered = {entry.load() for entry in entry_points(group="caso.extractors") if entry.dist and entry.dist.name == "caso"}

    # What takes messages from a queue asks nobody about projects: tests/functional/test_collecting.py has its laws.
    asking = {cls for cls in registered if not cls.cloud_wide}
    assert asking == {NovaExtractor, CinderExtractor, NeutronExtractor, CeilometerExtractor, PrometheusExtractor}
