"""The page about plug-ins of cASO: what it shows as old is refused with its name, what it shows as new works."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from caso import plugins
from caso.errors import ConfigError, DeliveryError, SourceError
from caso.extractors.base import Ask, Extractor
from caso.messengers.base import Messenger
from caso.testing.extractor_contract import MINE, NOW, THEIRS, YOURS, ExtractorContract
from caso.testing.messenger_contract import MessengerContract
from caso.testing.records import a_cloud_record
from caso.testing.sources import fake_sources
from caso.window import Window
from tests.unit.doc.pages import ROOT, SOURCE

PAGE = SOURCE / "porting.rst"
OLD = [
    textwrap.dedent(match[1])
    for match in re.finditer(r":caption: for cASO\n\n((?:   [^\n]*\n|\n)+)", PAGE.read_text(encoding="utf-8"))
]


def _ported() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ported", ROOT / "doc" / "examples" / "porting" / "ported.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ported = _ported()
WINDOW = Window.parse("2024-03-01", "2024-03-02")


@pytest.mark.parametrize(("group", "number"), [(plugins.EXTRACTORS, 0), (plugins.MESSENGERS, 1)])
@pytest.mark.parametrize("imports", [True, False], ids=["as it is", "with its imports mended"])
def test_what_the_page_shows_as_old_is_refused_with_the_pages_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: str, number: int, imports: bool
):
    text = OLD[number]
    if not imports:
        text = re.sub(r"^(from caso|cfg).*\n", "", text, flags=re.MULTILINE)
        text = re.sub(r"\((base\.)?Base\w+\)", "", text)
    name = f"old_{number}_{imports}"
    (tmp_path / f"{name}.py").write_text(text)
    info = tmp_path / "old-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: old\nVersion: 1.0\n")
    cls = ("LentExtractor", "PostboxMessenger")[number]
    (info / "entry_points.txt").write_text(f"[{group}]\nmine = {name}:{cls}\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ConfigError, match=r"plug-in mine .*doc/source/porting\.rst"):
        plugins.load(group, "mine", (Extractor, Messenger)[number])


def test_the_extractor_tells_of_the_machines_of_the_projects_it_is_asked_about(tmp_path: Path):
    machines = [
        {"id": "a", "project": "p1", "cores": 4, "since": "2024-02-01T00:00:00+00:00"},
        {"id": "b", "project": "p1", "cores": 4, "since": "one day"},
        {"id": "c", "project": "p2", "cores": 4, "since": "2024-02-01T00:00:00+00:00"},
    ]
    (tmp_path / "inventory.json").write_text(json.dumps(machines))

    (page,) = ported.LentExtractor(tmp_path / "inventory.json").extract(Ask("R", {"p1": WINDOW}))

    assert [(seen.uuid, seen.state.flavor.vcpus) for seen in page.seen] == [("a", 4)]
    assert [odd.object_id for odd in page.odd] == ["b"]


def test_an_inventory_that_cannot_be_read_leaves_the_marks(tmp_path: Path):
    with pytest.raises(SourceError, match=r"cannot read .*inventory\.json"):
        list(ported.LentExtractor(tmp_path / "inventory.json").extract(Ask("R", {"p1": WINDOW})))


def test_the_messenger_writes_what_it_is_sent_and_says_where_it_cannot(tmp_path: Path):
    record = a_cloud_record()

    ported.PostboxMessenger(tmp_path / "postbox").send([record])

    (file,) = (tmp_path / "postbox").iterdir()
    assert [line["key"] for line in json.loads(file.read_text())] == [record.key]
    (tmp_path / "file").touch()
    with pytest.raises(DeliveryError):
        ported.PostboxMessenger(tmp_path / "file" / "postbox").send([record])


class TestLent(ExtractorContract):
    extractor = ported.LentExtractor

    @pytest.fixture(autouse=True)
    def inventory(self, tmp_path: Path):
        def machine(project: str, name: str, **changes: Any) -> dict[str, Any]:
            return {"id": f"{project}-{name}", "project": project, "cores": 4, "since": "2024-02-01T00:00:00"} | changes

        path = tmp_path / "inventory.json"
        path.write_text(
            json.dumps(
                [
                    one
                    for project in (MINE, YOURS, THEIRS)
                    for one in (
                        machine(project, "alive"),
                        machine(project, "before", until="2024-02-20T00:00:00"),
                        machine(project, "inside", until="2024-03-01T12:00:00"),
                        machine(project, "odd", since=None),
                        {"project": project},
                    )
                ]
            )
        )
        os.utime(path, (NOW.timestamp(), NOW.timestamp()))
        self.settings = {"inventory": str(path)}

    def sources(self, **cloud: Any):
        return fake_sources()


class TestPostbox(MessengerContract):
    @pytest.fixture(autouse=True)
    def importable(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("PYTHONPATH", str(ROOT / "doc" / "examples" / "porting"), prepend=os.pathsep)

    def make(self, tmp_path: Path):
        return ported.PostboxMessenger(tmp_path / "postbox")

    def make_broken(self, tmp_path: Path):
        (tmp_path / "file").touch()
        return ported.PostboxMessenger(tmp_path / "file" / "postbox")

    def received(self, tmp_path: Path):
        return [line["key"] for file in sorted((tmp_path / "postbox").glob("*.json")) for line in json.loads(file.read_text())]


def test_a_postbox_that_is_half_emptied_loses_nothing(tmp_path: Path):
    messenger = ported.PostboxMessenger(tmp_path)
    messenger.send([a_cloud_record()])
    messenger.send([a_cloud_record(vm_uuid="second")])
    min(tmp_path.iterdir()).unlink()

    messenger.send([a_cloud_record(vm_uuid="third")])

    assert len(list(tmp_path.iterdir())) == 2
