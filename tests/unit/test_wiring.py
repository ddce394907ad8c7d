"""From a configuration to the parts of a run."""

import pytest

from caso import config, wiring
from caso.errors import ConfigError
from caso.wiring.lengths import require_kept

PLUGIN = """
from caso.extractors.base import Extractor
from caso.records import AcceleratorRecord


class Licence(AcceleratorRecord):
    kind = "licence"


class Licences(Extractor):
    makes = (Licence,)
    observes = frozenset()

    @classmethod
    def from_conf(cls, conf, sources, **shared):
        return cls()

    def extract(self, ask):
        yield from ()
"""


@pytest.fixture
def build(tmp_path, monkeypatch):
    """A configuration from the text of a file, beside an installed plug-in that makes a kind of record of its own."""
    info = tmp_path / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[caso.extractors]\nlicences = other_licences:Licences\n")
    (tmp_path / "other_licences.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)

    def built(text):
        file = tmp_path / "caso.conf"
        file.write_text(text)
        return config.build([f"--config-file={file}"], "caso-extract", files=[])

    return built


def test_a_messenger_may_be_given_a_kind_whose_extractor_is_not_asked_in_this_run(build):
    conf = build("[DEFAULT]\nextractor = nova\nmessengers = noop\n[messenger_noop]\nrecord_types = cloud,licence\n")

    assert wiring.outlet(conf, "noop").kinds == {"cloud", "licence"}


def test_a_kind_that_nobody_makes_is_refused_with_the_choices(build):
    conf = build("[DEFAULT]\nextractor = nova\nmessengers = noop\n[messenger_noop]\nrecord_types = cloud,license\n")

    with pytest.raises(ConfigError, match=r"license is no record type; choose from .*licence"):
        wiring.outlet(conf, "noop")


def test_a_messenger_gets_nothing_that_it_cannot_write(build, caplog):
    conf = build("[DEFAULT]\nmessengers = ssm\n[messenger_ssm]\nrecord_types = cloud,energy\n")

    assert wiring.outlet(conf, "ssm").kinds == {"cloud"}
    assert "ssm cannot write energy" in caplog.text


def test_a_messenger_that_can_write_nothing_that_it_is_given_stops_the_run(build):
    conf = build("[DEFAULT]\nmessengers = ssm\n[messenger_ssm]\nrecord_types = energy\n")

    with pytest.raises(ConfigError, match="ssm cannot write energy; choose from accelerator, cloud, ip, storage"):
        wiring.outlet(conf, "ssm")


@pytest.mark.parametrize("option", ["site_name", "region_name", "messengers", "cloud"])
def test_a_name_that_no_store_keeps_is_an_error_of_the_configuration(option):
    with pytest.raises(ConfigError, match=rf"{option}: xxxxxxxxxxxxxxxxxxxx\.\.\. is longer than \d+ characters"):
        require_kept(option, ["north", "x" * 300])
