"""One API over HTTP: a token, an endpoint from the catalog, GET, few and short retries."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import requests
from keystoneauth1 import exceptions as ksa
from keystoneauth1.plugin import BaseAuthPlugin
from keystoneauth1.session import Session
from pydantic_core import from_json

from caso.sources.api import LoginError, MissingError, Reply
from caso.sources.failure import MAY_CHANGE, MAY_READ, GarbledError, login_failed, reason, request_failed
from caso.sources.manners import Manners, Subject
from caso.sources.retrying import retried

LOG = logging.getLogger(__name__)

NAMES = {
    "compute": "nova",
    "identity": "keystone",
    "image": "glance",
    "network": "neutron",
    "block-storage": "cinder",
    "metric": "gnocchi",
}
# These are in catalogs with their only version or without; their paths name it.
ONLY_VERSION = {"image": "/v2", "network": "/v2.0", "metric": "/v1"}

PLAIN = (None, "utf-8")
"""Encodings, as an answer's headers name it, of JSON that need not be looked at before it is read."""
ID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
TOKENS = Subject("keystone", kind="/auth/tokens")

T = TypeVar("T")


def logged_in(action: Callable[[], T], scope: str, manners: Manners) -> T:
    """What ``action``, which needs a token for ``scope``, returns."""
    what = f"keystone: cannot get a token for {scope}"
    manners.require_hope(TOKENS, what)
    try:
        found = retried(action, what, manners.deadline, manners.sleep)
    except ksa.ClientException as exc:
        manners.note(TOKENS, what, exc)
        # A question that was cut short by the deadline looks like one to a service that is slow.
        manners.require_time(what)
        raise login_failed(exc, scope) from exc
    except Exception as exc:
        # keystoneauth raises a bare Exception where no password is set, requests an OSError where cafile is not there.
        raise LoginError(f"keystone: no token for {scope}: {reason(exc)}; check the credentials") from exc
    manners.note(TOKENS, what)
    return found


class HttpApi:
    """A service of one region, asked with the token of ``auth``; ``scope`` is how messages call what the token is for.

    The endpoint is taken from the catalog as it is: keystoneauth's discovery would cost a request per service and project.
    """

    def __init__(
        self,
        session: Session,
        auth: BaseAuthPlugin,
        service_type: str,
        *,
        scope: str,
        region: str | None = None,
        interface: str = "public",
        endpoint: str | None = None,
        manners: Manners | None = None,
    ) -> None:
        self.name = NAMES.get(service_type, service_type)
        self._session = session
        self._auth = auth
        self._scope = scope
        self._filter = {"service_type": service_type, "interface": interface, "region_name": region}
        self._service_type = service_type
        self._endpoint = endpoint
        self._manners = manners or Manners()

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        to: str,
        microversion: str | None = None,
    ) -> Mapping[str, Any]:
        """The JSON object at ``path`` below the endpoint; see :class:`caso.sources.api.Api`."""
        self._login()
        return self._get(lambda: self._base() + path, to, dict(params or {}), microversion, self._about(path))

    def change(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, to: str) -> None:
        """Send what may be sent twice (PUT, PATCH); see :class:`caso.sources.api.Api`."""
        self._login()
        ask = partial(self._session.request, method=method, auth=self._auth, json=body)
        self._ask(lambda: ask(self._base() + path), to, self._about(path), MAY_CHANGE)

    def send(self, method: str, path: str, *, to: str, **request: Any) -> Reply:
        """The answer, read, to what a client library asks; see :class:`caso.sources.api.Sender`."""
        self._login()

        def read() -> Reply:
            response = self._session.request(self._base() + path, method, auth=self._auth, **request)
            return Reply(_json(response), response.links.get("next", {}).get("url"))

        return self._ask(read, to, self._about(path))

    def versions(self) -> Mapping[str, Any]:
        """The version document; a catalog may name a project behind the version (``/v2.1/PROJECT``)."""
        self._login()
        project_id = self._auth.get_project_id(self._session)

        def url() -> str:
            return self._base().removesuffix(f"/{project_id}") + "/"

        return self._get(url, "read the versions it speaks", {}, None, self._about("/"))

    def _login(self) -> None:
        logged_in(lambda: self._auth.get_headers(self._session), self._scope, self._manners)

    def _base(self) -> str:
        if self._endpoint is None:
            found = self._auth.get_endpoint(self._session, skip_discovery=True, **self._filter)
            if not found:
                raise MissingError(
                    f"{self.name}: the catalog has no {self._filter['interface']} endpoint of {self._service_type}"
                    f" in region {self._filter['region_name'] or '(any)'}; check region_name and interface"
                )
            self._endpoint = found.rstrip("/").removesuffix(ONLY_VERSION.get(self._service_type, ""))
        return self._endpoint

    def _about(self, path: str) -> Subject:
        return Subject(self.name, self._filter["region_name"], ID.sub("*", path.partition("?")[0]))

    def _get(
        self, url: Callable[[], str], to: str, params: dict[str, str], microversion: str | None, about: Subject
    ) -> Mapping[str, Any]:
        def ask() -> Mapping[str, Any]:
            response = self._session.get(
                url(),
                auth=self._auth,
                params=params,
                headers={"Accept": "application/json"},
                microversion=microversion,
                microversion_service_type=self._service_type if microversion else None,
            )
            LOG.debug(
                "%s: GET %s: %d after %.1f s", self.name, response.url, response.status_code, response.elapsed.total_seconds()
            )
            return self._object(response)

        return self._ask(ask, to, about)

    def _ask(self, action: Callable[[], T], to: str, about: Subject, denied: str = MAY_READ) -> T:
        """What ``action`` returns; its failures as SourceErrors that begin with "nova: cannot " and ``to``."""
        what = f"{self.name}: cannot {to}"
        self._manners.require_hope(about, what)
        try:
            with self._manners.traffic.to(self.name, self._filter["region_name"]):
                found = retried(action, what, self._manners.deadline, self._manners.sleep)
        except ksa.ClientException as exc:
            self._manners.note(about, what, exc)
            self._manners.require_time(what)
            raise request_failed(exc, what, denied=denied) from exc
        self._manners.note(about, what)
        return found

    def _object(self, response: requests.Response) -> Mapping[str, Any]:
        body = _json(response)
        if not isinstance(body, dict):
            raise GarbledError(f"the answer is no JSON object; is this endpoint really {self._service_type}?")
        return body


def _json(response: requests.Response) -> Any:
    if response.encoding in PLAIN:
        # It takes half the time; what it refuses (half a character, another encoding) may yet be JSON.
        with contextlib.suppress(ValueError):
            return from_json(response.content)
    try:
        return response.json()
    except ValueError as exc:
        raise GarbledError("the answer is no JSON, or only a part of it") from exc
