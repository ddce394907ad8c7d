"""The examples on the page about /v2 are what is answered."""

import json
import re
import textwrap

import pytest

from caso.api.v2 import OPERATIONS
from tests.unit.doc.pages import SOURCE

PAGE = (SOURCE / "api-v2.rst").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"\.\. code-block:: text\n\n   GET (\S+)\n\n\.\. code-block:: json\n\n((?:   .*\n|\n)+)")
EXAMPLES = [(path, json.loads(textwrap.dedent(answer))) for path, answer in EXAMPLE.findall(PAGE)]


@pytest.mark.parametrize(("path", "answer"), EXAMPLES, ids=[path for path, _ in EXAMPLES])
def test_an_example_of_the_page_is_what_is_answered(app, path, answer):
    got = app.test_client().get(path, headers={"X-Auth-Token": "all"})

    assert got.get_json() == answer


def test_every_operation_and_every_parameter_is_on_the_page():
    assert len(EXAMPLES) >= 6
    for operation in OPERATIONS:
        last = operation.path.rpartition("/")[2]
        assert (last if "{" not in last else operation.path.split("/")[1]) in PAGE
        assert [one.name for one in operation.query if one.name not in PAGE] == []
