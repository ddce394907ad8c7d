"""The page about watching tells of the metrics, alerts, errors and members that there are, and of no others."""

import json
import re
from pathlib import Path

import pytest
import yaml

from caso.errors import DeniedError
from caso.metrics import METRICS
from caso.report import ERROR_CLASSES
from caso.summary import members_of
from tests.unit.cloudlet import T1, Cloudlet
from tests.unit.doc.pages import ROOT, SOURCE

PAGE = (SOURCE / "watching.rst").read_text(encoding="utf-8")
EXAMPLE = json.loads(PAGE.split(".. code-block:: json\n")[1].split("\n\n``")[0])


def test_the_table_has_every_metric_with_its_labels_and_what_it_tells():
    rows = re.findall(r"^   \* - ``(caso_\w+)``\n     - (.*)\n     - (.*)\n", PAGE, re.MULTILINE)

    assert rows == [(f"caso_{one.name}", ", ".join(one.labels) or "-", one.help) for one in METRICS]


def test_every_class_of_errors_is_explained():
    table = PAGE.split("error               what it counts\n")[1].split("\n\n")[0]

    assert set(re.findall(r"^``(\w+)``", table, re.MULTILINE)) == set(ERROR_CLASSES)


def test_every_alert_is_explained():
    rules = yaml.safe_load((ROOT / "etc" / "caso" / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]

    assert re.findall(r"^``(Caso\w+)``$", PAGE, re.MULTILINE) == [rule["alert"] for rule in rules]


def test_every_metric_that_an_alert_is_about_is_one_that_caso_writes():
    rules = (ROOT / "etc" / "caso" / "alerts.yml").read_text(encoding="utf-8")

    assert set(re.findall(r"\bcaso_\w+", rules)) <= {f"caso_{one.name}" for one in METRICS}


def test_the_example_of_the_summary_has_the_members_that_a_run_writes(tmp_path: Path):
    summary = members_of(Cloudlet(tmp_path, extractors=("nova", "cinder", "neutron")).run(T1, trouble=DeniedError("no")))

    assert shape(EXAMPLE) == shape(summary | {"calls": EXAMPLE["calls"], "errors": EXAMPLE["errors"]})
    assert {frozenset(one) for one in EXAMPLE["calls"].values()} == {frozenset({"requests", "failed", "seconds"})}


def shape(summary):
    """The members, in their order, and those of the messengers; which kinds and APIs there are is another matter."""
    return [list(summary), list(summary["scopes"]), list(summary["messengers"]["ssm"])]


@pytest.mark.parametrize("member", list(EXAMPLE))
def test_every_member_of_the_summary_is_explained(member: str):
    terms = re.findall(r"^(``\w+``(?:, ``\w+``)*)$", PAGE.split("One line for each run")[1], re.MULTILINE)

    assert f"``{member}``" in ", ".join(terms).split(", ")
