"""Every cloud and accelerator record delivered agrees with what is known to be in the cloud."""

from pathlib import Path

import pytest

from tests.cloud import T1, T2, Cloud
from tests.functional.driver import Site, differences
from tests.functional.expectation import expected


@pytest.mark.parametrize("role", ["reader", "admin"])
def test_a_first_run_and_the_hour_after_it_tell_the_truth(cloud: Cloud, tmp_path: Path, role: str):
    site = Site(tmp_path, cloud, role)

    first = site.run(T1)
    assert [scope.error for scope in first.scopes] == [None] * len(first.scopes)
    assert site.recipient.refused == []
    assert differences(site.recipient.rows, expected(cloud.truth, [T1])) == []

    cloud.advance(T2)
    site.run(T2)
    assert site.recipient.refused == []
    assert differences(site.recipient.rows, expected(cloud.truth, [T1, T2])) == []
