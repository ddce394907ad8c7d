"""A plain client of the test cloud: a session with a scope, and lists read to their end."""

from collections.abc import Iterator
from typing import Any

from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session

from tests.cloud.credentials import Credentials

Json = dict[str, Any]


class Client:
    """Speaks to the services as one user, for one project or (None) for the system."""

    def __init__(self, credentials: Credentials, project_id: str | None = None) -> None:
        scope: Json = credentials.auth(project_id=project_id, system=project_id is None)
        self.session = Session(auth=Password(**scope), timeout=120)
        self.project_id = project_id

    def get(self, service: str, path: str, version: str | None = None, **query: Any) -> Json:
        """The answer to one GET; ``service`` is a type of the catalog, version a microversion."""
        headers = {"Accept": "application/json"}
        if version:
            kind = "volume" if service == "block-storage" else service
            headers["OpenStack-API-Version"] = f"{kind} {version}"
        answer: Json = self.session.get(
            path,
            endpoint_filter={"service_type": service},
            params={name.replace("_", "-") if name in _DASHED else name: value
                    for name, value in query.items()},
            headers=headers,
        ).json()  # fmt: skip
        return answer

    def servers(self, version: str = "2.47", **query: Any) -> Iterator[Json]:
        """All of the project, or of the cloud with ``all_tenants=1``."""
        yield from self._paged("compute", "/servers/detail", "servers", version, query)

    def volumes(self, version: str = "3.60", **query: Any) -> Iterator[Json]:
        yield from self._paged("block-storage", "/volumes/detail", "volumes", version, query)

    def floating_ips(self, **query: Any) -> list[Json]:
        rows: list[Json] = self.get("network", "/v2.0/floatingips", **query)["floatingips"]
        return rows

    def usages(self, start: str, end: str) -> Iterator[Json]:
        """Rows of os-simple-tenant-usage of the project."""
        path = f"/os-simple-tenant-usage/{self.project_id}"
        query: Json = {"start": start, "end": end}
        while rows := self.get("compute", path, "2.40", **query)["tenant_usage"].get("server_usages"):
            yield from rows
            query["marker"] = rows[-1]["instance_id"]

    def _paged(self, service: str, path: str, name: str, version: str, query: Json) -> Iterator[Json]:
        query = dict(query)
        while rows := self.get(service, path, version, **query)[name]:
            yield from rows
            query["marker"] = rows[-1]["id"]


_DASHED = {"changes_since", "changes_before"}
