"""Plug-ins are named without importing, and loaded strictly."""

import re
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType

import pytest
from oslo_config import cfg

from caso import config, plugins
from caso.errors import ConfigError
from caso.extractors.base import Extractor
from caso.extractors.nova import NovaExtractor


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Another package with plug-ins: one that cannot be imported, and one that is none."""
    info = tmp_path / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[caso.extractors]\nbroken = other_broken:Mine\nalien = json:JSONDecoder\nlost = json:Nothing\nnova = json:JSONDecoder\n"
    )
    (tmp_path / "other_broken.py").write_text("raise RuntimeError('out of luck')\n")
    monkeypatch.syspath_prepend(tmp_path)


def test_names_are_listed_without_importing_anything(installed):
    code = "import sys; from caso import plugins; plugins.names('caso.extractors'); sys.exit('caso.extractors' in sys.modules)"

    assert {"nova", "broken", "alien"} <= set(plugins.names(plugins.EXTRACTORS))
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_plug_in_is_loaded_by_its_name():
    assert plugins.load_all(plugins.EXTRACTORS, ["nova", "nova"], Extractor) == {"nova": NovaExtractor}


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("nowa", "nothing is called 'nowa'; there are .*nova"),
        ("nova", "several packages bring 'nova'"),
        ("broken", "plug-in broken .other_broken:Mine. cannot be imported: RuntimeError: out of luck"),
        ("lost", "plug-in lost .*cannot be imported"),
        ("alien", "alien is no Extractor"),
    ],
)
def test_a_plug_in_that_cannot_be_had_is_a_configuration_error_that_names_it(installed, name, complaint):
    with pytest.raises(ConfigError, match=complaint):
        plugins.load(plugins.EXTRACTORS, name, Extractor)


def test_the_list_of_options_goes_without_plug_ins_that_cannot_be_had_and_says_so(installed, caplog):
    groups = {group for group, _ in config.list_opts()}

    assert {"neutron", "ssm", "messenger_ssm"} <= groups
    assert not groups & {"broken", "lost", "alien"}
    assert "plug-in broken (other_broken:Mine) cannot be imported" in caplog.text


EXTRACTOR_OF_CASO = """
class {name}({base}):
    def __init__(self, project, vo):
        self.project, self.vo = project, vo

    def extract(self, extract_from, extract_to):
        return []
"""
MESSENGER_OF_CASO = """
class {name}({base}):
    def push(self, records):
        print(len(records))
"""


@pytest.mark.parametrize(
    ("group", "text", "first_line"),
    [
        (plugins.EXTRACTORS, EXTRACTOR_OF_CASO, ""),
        (plugins.MESSENGERS, MESSENGER_OF_CASO, ""),
        (plugins.EXTRACTORS, EXTRACTOR_OF_CASO, "from caso.extract import base"),
        (plugins.EXTRACTORS, EXTRACTOR_OF_CASO, "from caso.extract.openstack.base import BaseOpenStackExtractor"),
        (plugins.MESSENGERS, MESSENGER_OF_CASO, "from caso.messenger import BaseMessenger"),
        (plugins.MESSENGERS, MESSENGER_OF_CASO, "import caso.messenger"),
        (plugins.MESSENGERS, MESSENGER_OF_CASO, "import caso.record"),
        (plugins.MESSENGERS, MESSENGER_OF_CASO, "from caso import record"),
    ],
)
def test_a_plug_in_for_caso_is_refused_with_the_page_that_says_how_to_bring_it_over(
    tmp_path, monkeypatch, group, text, first_line
):
    name = f"for_caso_{abs(hash((group, first_line)))}"
    info = tmp_path / "another-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: another\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\nmine = {name}:Mine\n")
    (tmp_path / f"{name}.py").write_text(first_line + text.format(name="Mine", base="object"))
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(
        ConfigError, match=rf"{group}: plug-in mine \({name}:Mine\): it is written for cASO.*doc/source/porting.rst"
    ):
        plugins.load(group, "mine", Extractor)


def test_the_page_that_the_refusal_names_is_there():
    page = Path(__file__).parents[2] / "doc/source/porting.rst"

    assert str(page).endswith(re.search(r"\((doc.*)\)", plugins.PORTING)[1])
    assert re.search(r'"(.*)"', plugins.PORTING)[1] in page.read_text(encoding="utf-8").splitlines()[1]


def test_options_are_collected_by_group_and_shared_ones_once():
    shared = cfg.StrOpt("name_key")

    class One:
        options = (cfg.StrOpt("mine"),)
        shared_options = MappingProxyType({"benchmark": (shared,)})

    class Two:
        shared_options = MappingProxyType({"benchmark": (shared, cfg.StrOpt("more"))})

    collected = plugins.options_of({"one": One, "two": Two})

    assert [(group, [option.name for option in options]) for group, options in collected] == [
        ("one", ["mine"]),
        ("benchmark", ["name_key", "more"]),
    ]
