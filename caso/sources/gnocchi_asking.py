"""gnocchiclient, with caso's own way of sending: it says how to ask, caso asks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from keystoneauth1.session import Session

from caso.errors import SourceError
from caso.sources.api import MissingError, Reply, Sender
from caso.sources.http import HttpApi
from caso.sources.manners import Manners

if TYPE_CHECKING:
    from gnocchiclient.v1.client import Client

NO_TYPE = re.compile("Resource type .*does not exist")


def basic_api(session: Session, endpoint: str, user: str, manners: Manners) -> HttpApi:
    """The API of a Gnocchi without Keystone (``auth_mode = basic``), which believes every user's name."""
    from gnocchiclient.auth import GnocchiBasicPlugin  # only who asks Gnocchi waits for its client to load

    auth = GnocchiBasicPlugin(user, endpoint)
    return HttpApi(
        session, auth, "metric", scope=f"user {user}", endpoint=endpoint.rstrip("/").removesuffix("/v1"), manners=manners
    )


class Sending:
    """What gnocchiclient sends through: caso's API, with its patience, counts and errors. Remembers where the next page starts.

    The client's own is at a loss for words where a proxy answers 503 with a Retry-After, or without a content type.
    """

    def __init__(self, api: Sender, to: str, expected: type) -> None:
        self._api = api
        self._to = to
        self._expected = expected
        self.marker: str | None = None

    def get(self, url: str, **request: Any) -> Reply:
        return self._send("GET", url, **request)

    def post(self, url: str, **request: Any) -> Reply:
        return self._send("POST", url, **request)

    def _send(self, method: str, url: str, **request: Any) -> Reply:
        try:
            reply = self._api.send(method, f"/{url}", to=self._to, **request)
        except SourceError as exc:
            if NO_TYPE.search(str(exc)):
                raise MissingError(f"{exc}; Ceilometer makes its resource types by ceilometer-upgrade") from exc
            raise
        if not isinstance(reply.body, self._expected):
            # The client would take the keys of an object for the rows of a list.
            raise SourceError(
                f"{self._api.name}: cannot {self._to}: the answer has not its usual form; is this endpoint really gnocchi?"
            )
        following = parse_qs(urlsplit(reply.following or "").query).get("marker")
        self.marker = following[-1] if following else None
        # The client would follow the link itself, to a URL that grows with each page, and keep all pages.
        return Reply(reply.body)


def client(sending: Sending) -> Client:
    from gnocchiclient.v1.client import Client  # takes a while to load: --help must not wait for it

    asking = Client()
    asking.api = sending
    return asking
