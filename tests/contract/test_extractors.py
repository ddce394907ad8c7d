"""Every extractor of caso keeps the extractors' contract."""

from importlib.metadata import entry_points
from typing import ClassVar

from caso.extractors.cinder import CinderExtractor
from caso.extractors.neutron import NeutronExtractor
from caso.extractors.nova import NovaExtractor
from caso.extractors.prometheus import PrometheusExtractor
from caso.testing.extractor_contract import ExtractorContract


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


def test_every_extractor_that_caso_registers_has_its_contract_run():
    registered = {entry.load() for entry in entry_points(group="caso.extractors") if entry.dist and entry.dist.name == "caso"}

    assert registered == {NovaExtractor, CinderExtractor, NeutronExtractor, PrometheusExtractor}
