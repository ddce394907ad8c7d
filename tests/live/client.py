"""A plain client of the live cloud, which also changes things."""

from __future__ import annotations

from typing import Any

from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session

from tests.cloud.credentials import Credentials

Json = dict[str, Any]
VERSIONS = {"compute": "compute 2.79", "block-storage": "volume 3.60"}


class RefusedError(RuntimeError):
    """A service did not do what it was asked for; the text has its own words."""


class Client:
    """Speaks to the services as one user of one project; many threads may."""

    def __init__(self, credentials: Credentials, project_id: str) -> None:
        self.project_id = project_id
        self.session = Session(auth=Password(**credentials.auth(project_id=project_id)), timeout=120)

    def get(self, service: str, path: str, version: str | None = None, **query: Any) -> Json:
        return self._ask("GET", service, path, version, params=query)

    def post(self, service: str, path: str, body: Json | None = None, **more: Any) -> Json:
        return self._ask("POST", service, path, json=body, **more)

    def put(self, service: str, path: str, body: Json | None = None, **more: Any) -> Json:
        return self._ask("PUT", service, path, **({"json": body} if body is not None else {}), **more)

    def delete(self, service: str, path: str) -> None:
        self._ask("DELETE", service, path)

    def _ask(self, method: str, service: str, path: str, version: str | None = None, **more: Any) -> Json:
        headers = {"Accept": "application/json", **more.pop("headers", {})}
        if service in VERSIONS:
            told = VERSIONS[service]
            headers["OpenStack-API-Version"] = f"{told.split()[0]} {version}" if version else told
        answer = self.session.request(
            path, method, endpoint_filter={"service_type": service}, headers=headers, raise_exc=False, **more
        )
        if not answer.ok:
            raise RefusedError(f"{method} {service} {path}: {answer.status_code} {answer.text[:1000]}")
        return answer.json() if answer.content else {}
