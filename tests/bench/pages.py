"""The answers of a cloud, as files: all that a run asks, made before anybody asks.

Rows have the shapes that the real services give (tests/golden/api-rows.json); each row differs from the others in
its ids, its name, its owner and its times. Volumes and floating IPs are few: servers are what is measured.
"""

import copy
import dataclasses
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.cloud.shapes import ROWS

Json = dict[str, Any]

PROJECTS = 5
FEW = 20
"""Volumes and floating IPs of the whole cloud."""
PAGE = 1000
REGION = "RegionOne"
VERSIONS = {
    "compute": {"version": {"id": "v2.1", "status": "CURRENT", "min_version": "2.1", "version": "2.96"}},
    "block-storage": {"versions": [{"id": "v3.0", "status": "CURRENT", "min_version": "3.0", "version": "3.70"}]},
}


@dataclasses.dataclass(frozen=True)
class Prepared:
    """How large a cloud is; ``now`` is the time at which its servers have been as they are for hours."""

    servers: int
    now: datetime
    page: int = PAGE

    @property
    def projects(self) -> list[str]:
        return [name_based("project", number).hex for number in range(PROJECTS)]

    def write(self, folder: Path) -> None:
        """One file for each answer; ``servers/N`` is the page that N pages are before."""
        folder.joinpath("servers").mkdir(parents=True)
        for number, rows in enumerate(self._pages()):
            body: Json = {"servers": rows}
            if (number + 1) * self.page < self.servers:
                marker = rows[-1]["id"]
                body["servers_links"] = [{"rel": "next", "href": f"/servers/detail?limit={self.page}&marker={marker}"}]
                folder.joinpath("servers", marker).write_text(str(number + 1))
            folder.joinpath("servers", str(number)).write_text(json.dumps(body))
        for name, body in self.few().items():
            folder.joinpath(name).write_text(json.dumps(body))

    def _pages(self) -> Iterator[list[Json]]:
        shapes = [row for row in json.loads(ROWS.read_text())["servers"] if row["status"] != "DELETED"]
        texts = [json.dumps(_blank(row)) for row in shapes]
        for first in range(0, self.servers, self.page):
            numbers = range(first, min(first + self.page, self.servers))
            yield [self._server(texts[number % len(texts)], number) for number in numbers]

    def _server(self, text: str, number: int) -> Json:
        for name, value in self.values(number).items():
            text = text.replace(f"@{name}@", value)
        row: Json = json.loads(text)
        return row

    def values(self, number: int) -> dict[str, str]:
        """What a server has of its own."""
        # Made in this month, so that a first run has one record of each, and long enough ago to be no change.
        earliest = max(self.now.replace(day=1, hour=0, minute=0, second=0), self.now - timedelta(days=20))
        made = earliest + (self.now - timedelta(hours=2) - earliest) * (number / self.servers)
        return {
            "ID": str(name_based("server", number)),
            "NAME": f"vm-{number:06d}",
            "PROJECT": self.projects[number % PROJECTS],
            "USER": name_based("user", number % 50).hex,
            "TIME": f"{made:%Y-%m-%dT%H:%M:%S}",
        }

    def few(self) -> Mapping[str, Json]:
        """Answers that are one file each, by the last word of the path."""
        shapes = json.loads(ROWS.read_text())
        owner = dict.fromkeys(("project_id", "tenant_id", "os-vol-tenant-attr:tenant_id"), self.projects[0])
        owner["user_id"] = name_based("user", 0).hex
        made = {"created_at": f"{self.now - timedelta(hours=3):%Y-%m-%dT%H:%M:%S}", "updated_at": None}
        projects = [
            {**shapes["projects"][0], "id": project, "name": f"project-{number}"} for number, project in enumerate(self.projects)
        ]
        users = [{**shapes["users"][0], "id": name_based("user", n).hex, "name": f"user-{n}@example.org"} for n in range(50)]
        return {
            **VERSIONS,
            "projects": {"projects": projects, "links": {"next": None}},
            "users": {"users": users, "links": {"next": None}},
            "flavors": {"flavors": shapes["flavors"]},
            "images": {"images": shapes["images"]},
            "os-services": {"services": []},
            "volumes": {"volumes": _some(shapes["volumes"][0], owner | made)},
            "floatingips": {"floatingips": _some(shapes["floatingips"][0], owner | made)},
            "ports": {"ports": _some(shapes["ports"][0], owner | made)},
            "routers": {"routers": _some(shapes["routers"][0], owner | made)[:1]},
            "subnets": {"subnets": [{"id": "private", "cidr": "10.0.0.0/16", "network_id": "private"}]},
            "unchanged": {"servers": []},
        }


def name_based(kind: str, number: int) -> UUID:
    """The same id for the same thing in every cloud."""
    return UUID(md5(f"{kind} {number}".encode(), usedforsecurity=False).hexdigest())


def token(auth_url: str, project_id: str, elsewhere: Mapping[str, str]) -> Json:
    """What Keystone answers to a login as an administrator; all services are behind one address, but for those ``elsewhere``."""
    paths = {"compute": "/v2.1", "block-storage": "/v3", "network": "/", "image": "/", "identity": "/v3"}
    host = auth_url.removesuffix("/v3")
    urls = {kind: f"{host}/{kind}{path}".rstrip("/") for kind, path in paths.items()} | dict(elsewhere)
    where = {"interface": "public", "region": REGION, "region_id": REGION, "id": "endpoint"}
    return {
        "token": {
            "expires_at": "2999-01-01T00:00:00.000000Z",
            "issued_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000000Z",
            "user": {"id": "u", "name": "caso", "domain": {"id": "default", "name": "Default"}},
            "roles": [{"id": name, "name": name} for name in ("admin", "reader")],
            "project": {"id": project_id, "name": "project-0", "domain": {"id": "default", "name": "Default"}},
            "catalog": [
                {"type": kind, "name": kind, "id": kind, "endpoints": [{**where, "url": url}]} for kind, url in urls.items()
            ],
        }
    }


def _blank(row: Json) -> Json:
    """The row with places for what differs."""
    old, blank = row["id"], copy.deepcopy(row)
    blank |= {"id": "@ID@", "name": "@NAME@", "tenant_id": "@PROJECT@", "user_id": "@USER@"}
    blank |= {"created": "@TIME@Z", "updated": "@TIME@Z", "OS-SRV-USG:launched_at": "@TIME@.000000"}
    blank["links"] = [{**link, "href": link["href"].replace(old, "@ID@")} for link in row["links"]]
    return blank


def _some(row: Json, changes: Json) -> list[Json]:
    return [{**row, **changes, "id": str(name_based(row["id"], number))} for number in range(FEW)]
