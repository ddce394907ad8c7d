"""Calls of the API as its users make them, in one process: what tests of it share."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta

from caso.api.access import ALL, TOKEN, Caller
from caso.api.app import create_app
from caso.api.settings import Settings
from caso.store import Place

HERE = Place("", "RegionOne")
NOW = datetime(2026, 11, 21, 6, 41, 6, tzinfo=UTC)
KEY = "secret"
"""The key of the recorded exchanges."""
SETTINGS = Settings(place=HERE, version="4.1.0")


class Tokens:
    """Access by fixed tokens: KEY does everything, ``reader-of-PROJECT`` reads one project, ``nobody`` has no role."""

    def caller(self, environ):
        token = environ.get(TOKEN, "")
        if token == KEY:
            return ALL
        if token.startswith("reader-of-"):
            return Caller(project_id=token.removeprefix("reader-of-"))
        return Caller() if token == "nobody" else None


@dataclasses.dataclass
class Api:
    """The API over a store; its clock goes on by a millisecond whenever it is read."""

    store: object
    settings: Settings = SETTINGS
    access: object = dataclasses.field(default_factory=Tokens)
    now: datetime = NOW

    def __post_init__(self):
        self.app = create_app(self.store, self.settings, self.access, self.clock)
        self.client = self.app.test_client()

    def clock(self):
        self.now += timedelta(milliseconds=1)
        return self.now

    def call(self, method, url, body=None, *, raw=None, token=KEY, **headers):
        """The answer to a request; ``body`` is sent as JSON, ``raw`` as it is."""
        data = raw if body is None else json.dumps(body)
        sent = {"X-Auth-Token": token, **headers} if token is not None else headers
        return self.client.open(url, method=method, data=data, headers=sent)

    def get(self, url, **how):
        return self.call("GET", url, **how).json

    def done(self, method, url, body=None, status=200, **how):
        """The JSON answered to what succeeds."""
        answer = self.call(method, url, body, **how)
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.json if answer.is_json else None

    def refused(self, method, url, body=None, **how):
        """Status and error of what does not succeed."""
        answer = self.call(method, url, body, **how)
        return answer.status_code, answer.json["error"]


def instance(uuid="i1", created_at="2026-01-01T10:00:00Z", flavor="f1", name="n1", **os):
    image = {"os_distro": "Ubuntu", "os_version": "14.04", "os_type": "linux"}
    return {"id": uuid, "created_at": created_at, "flavor": flavor, "name": name, **image, **os}


def volume(uuid="v1", start="2026-01-01T10:00:00Z", size=10, volume_type=None, volume_name="vn", attached_to=()):
    about = {"volume_type": volume_type, "size": size, "volume_name": volume_name, "attached_to": list(attached_to)}
    return {"volume_id": uuid, "start": start, **about}


PERIOD = "start=2000-01-01 00:00:00.0&end=2100-01-01 00:00:00.0"
"""A query for all that there ever was."""
