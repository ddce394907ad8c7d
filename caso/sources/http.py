"""One API over HTTP: a token, an endpoint from the catalog, GET, few and short retries."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from keystoneauth1 import exceptions as ksa
from keystoneauth1.plugin import BaseAuthPlugin
from keystoneauth1.session import Session

from caso.errors import SourceError
from caso.sources.api import LoginError, MissingError
from caso.sources.failure import MAY_CHANGE, login_failed, may_pass, reason, request_failed

LOG = logging.getLogger(__name__)

RETRY_DELAYS = (0.5, 1.0)
NAMES = {"compute": "nova", "identity": "keystone", "image": "glance", "network": "neutron", "block-storage": "cinder"}
# These are in catalogs with their only version or without; their paths name it.
ONLY_VERSION = {"image": "/v2", "network": "/v2.0"}

T = TypeVar("T")


def retried(action: Callable[[], T], what: str, sleep: Callable[[float], None] = time.sleep) -> T:
    """What ``action`` returns, tried again after each of RETRY_DELAYS where its failure may pass."""
    for delay in RETRY_DELAYS:
        try:
            return action()
        except ksa.ClientException as exc:
            if not may_pass(exc):
                raise
            LOG.info("%s: %s; trying again in %s s", what, reason(exc), delay)
            sleep(delay)
    return action()


def logged_in(action: Callable[[], T], scope: str, sleep: Callable[[float], None] = time.sleep) -> T:
    """What ``action``, which needs a token for ``scope``, returns."""
    try:
        return retried(action, f"keystone: a token for {scope}", sleep)
    except ksa.ClientException as exc:
        raise login_failed(exc, scope) from exc
    except Exception as exc:
        # keystoneauth raises a bare Exception where no password is set, requests an OSError where cafile is not there.
        raise LoginError(f"keystone: no token for {scope}: {reason(exc)}; check the credentials") from exc


class HttpApi:
    """A service of one region, asked with the token of ``auth``; ``scope`` is how messages call what the token is for.

    The endpoint is taken from the catalog as it is: keystoneauth's discovery would cost a request per service and project.
    Retries are our own, since keystoneauth retries no token request and obeys any Retry-After, be it an hour.
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
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = NAMES.get(service_type, service_type)
        self._session = session
        self._auth = auth
        self._scope = scope
        self._filter = {"service_type": service_type, "interface": interface, "region_name": region}
        self._service_type = service_type
        self._endpoint = endpoint
        self._sleep = sleep

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
        return self._get(lambda: self._base() + path, f"{self.name}: cannot {to}", dict(params or {}), microversion)

    def change(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, to: str) -> None:
        """Send what may be sent twice (PUT, PATCH); see :class:`caso.sources.api.Api`."""
        self._login()
        what = f"{self.name}: cannot {to}"
        try:
            retried(lambda: self._session.request(self._base() + path, method, auth=self._auth, json=body), what, self._sleep)
        except ksa.ClientException as exc:
            raise request_failed(exc, what, denied=MAY_CHANGE) from exc

    def versions(self) -> Mapping[str, Any]:
        """The version document; a catalog may name a project behind the version (``/v2.1/PROJECT``)."""
        self._login()
        what = f"{self.name}: cannot read the versions it speaks"
        project_id = self._auth.get_project_id(self._session)
        return self._get(lambda: self._base().removesuffix(f"/{project_id}") + "/", what, {}, None)

    def _login(self) -> None:
        logged_in(lambda: self._auth.get_headers(self._session), self._scope, self._sleep)

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

    def _get(
        self,
        url: Callable[[], str],
        what: str,
        params: dict[str, str],
        microversion: str | None,
    ) -> Mapping[str, Any]:
        try:
            response = retried(
                lambda: self._session.get(
                    url(),
                    auth=self._auth,
                    params=params,
                    headers={"Accept": "application/json"},
                    microversion=microversion,
                    microversion_service_type=self._service_type if microversion else None,
                ),
                what,
                self._sleep,
            )
        except ksa.ClientException as exc:
            raise request_failed(exc, what) from exc
        LOG.debug("%s: GET %s: %d after %.1f s", self.name, response.url, response.status_code, response.elapsed.total_seconds())
        try:
            body = response.json()
        except ValueError as exc:
            raise SourceError(f"{what}: the answer is no JSON; is a proxy answering in place of the service?") from exc
        if not isinstance(body, dict):
            raise SourceError(f"{what}: the answer is no JSON object; is this endpoint really {self._service_type}?")
        return body
