import time

import pytest


@pytest.fixture(params=["UTC", "Asia/Tokyo", "America/Denver"])
def host_zone(request, monkeypatch):
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()
