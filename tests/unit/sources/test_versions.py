"""What a version document says."""

import pytest

from caso.sources.versions import Microversion, newest


@pytest.mark.parametrize(
    ("document", "version"),
    [
        ({"version": {"version": "2.96"}}, Microversion(2, 96)),
        ({"versions": [{"version": "3.9"}, {"version": "3.71"}, {"version": ""}, "?"]}, Microversion(3, 71)),
        ({"versions": [{"id": "v2.0"}]}, None),
        ({}, None),
    ],
)
def test_the_newest_version_is_found_by_number(document, version):
    assert newest(document) == version
