"""``python floor.py JSON``: the least that a plain full listing of a cloud can cost.

A bare client that reads the fewest pages of what is alive and of what changed, with as many threads as caso has, and does
nothing with them but ``json.loads``. It filters no more, and so stays the same measure, whatever caso learns to leave out.
It knows beforehand what caso has to find out: the projects, and what each service speaks. The argument has
``auth`` (Keystone's URL, a user's name, domain and password), ``projects`` (ids), ``role`` (``admin``: all projects at once,
``reader``: each for itself), ``since`` (servers changed since then are read too, deleted ones among them) and ``threads``.
Prints how many objects it read of each kind.
"""

import json
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

Json = dict[str, Any]
PAGE = "1000"
NOVA = {"OpenStack-API-Version": "compute 2.69"}
CINDER = {"OpenStack-API-Version": "volume 3.60"}
PORTS = ("id", "project_id", "created_at", "updated_at", "device_id", "device_owner", "fixed_ips")
FLOATING_IPS = ("id", "project_id", "created_at", "updated_at", "floating_ip_address", "port_id", "port_details")

AGAIN = Retry(3, backoff_factor=0.5, status_forcelist=(500, 502, 503), allowed_methods=None)
"""A service of the test cloud may fail where several clients ask at once for the first time."""

_own = threading.local()


def session() -> requests.Session:
    """One for each thread, with its connections kept open."""
    if not hasattr(_own, "session"):
        _own.session = requests.Session()
        _own.session.mount("http://", HTTPAdapter(max_retries=AGAIN))
    found: requests.Session = _own.session
    return found


class Scope:
    """What one token opens."""

    def __init__(self, auth: Json, project_id: str) -> None:
        user = {"name": auth["username"], "password": auth["password"], "domain": {"name": auth["user_domain_name"]}}
        identity = {"methods": ["password"], "password": {"user": user}}
        body = {"auth": {"identity": identity, "scope": {"project": {"id": project_id}}}}
        answer = session().post(f"{auth['auth_url']}/auth/tokens", json=body, timeout=600)
        answer.raise_for_status()
        self.project_id = project_id
        self.headers = {"X-Auth-Token": answer.headers["X-Subject-Token"], "Accept": "application/json"}
        catalog = json.loads(answer.content)["token"]["catalog"]
        self.urls = {
            entry["type"]: next(one["url"] for one in entry["endpoints"] if one["interface"] == "public") for entry in catalog
        }

    def count(self, service: str, path: str, key: str, query: Json, headers: Json | None = None) -> int:
        """How many rows a listing has, read to the last page."""
        url: str | None = self.urls[service] + path
        params: Json | None = {**query, "limit": PAGE}
        rows = 0
        while url:
            answer = session().get(url, params=params, headers={**self.headers, **(headers or {})}, timeout=600)
            answer.raise_for_status()
            page = json.loads(answer.content)
            rows += len(page[key])
            # The link has the query in it.
            url = next((link["href"] for link in page.get(f"{key}_links", ()) if link["rel"] == "next"), None)
            params = None
        return rows


def listings(role: str, since: str) -> list[tuple[str, str, str, str, Json, Json]]:
    """The longest first, so that no thread has to wait for it at the end."""
    everyone = {"all_tenants": "true"} if role == "admin" else {}
    changed = {**everyone, "changes-since": since}
    return [
        ("alive", "compute", "/servers/detail", "servers", everyone, NOVA),
        ("changed", "compute", "/servers/detail", "servers", changed, NOVA),
        ("volumes", "block-storage", "/volumes/detail", "volumes", everyone, CINDER),
        ("ports", "network", "/v2.0/ports", "ports", {"fields": PORTS}, {}),
        ("floating IPs", "network", "/v2.0/floatingips", "floatingips", {"fields": FLOATING_IPS}, {}),
    ]


def read(asked: Json) -> Counter[str]:
    """How many objects of each kind there are."""
    admin = asked["role"] == "admin"
    found: Counter[str] = Counter()
    with ThreadPoolExecutor(asked["threads"]) as pool:
        scopes = list(pool.map(lambda project: Scope(asked["auth"], project), asked["projects"][: 1 if admin else None]))
        flavors = pool.submit(
            scopes[0].count, "compute", "/flavors/detail", "flavors", {"is_public": "None"} if admin else {}, NOVA
        )
        waiting = []
        for kind, service, path, key, query, headers in listings(asked["role"], asked["since"]):
            for scope in scopes:
                own = {"project_id": scope.project_id} if service == "network" and not admin else {}
                waiting.append((kind, pool.submit(scope.count, service, path, key, {**query, **own}, headers)))
        found["flavors"] = flavors.result()
        for kind, count in waiting:
            found[kind] += count.result()
    return found


if __name__ == "__main__":
    print(json.dumps(read(json.loads(sys.argv[1]))))
