"""A Keystone and a Nova of canned answers; keystoneauth is real, HTTP is not."""

import pytest
import requests_mock

from caso.sources.manners import Manners
from caso.sources.session import Access

AUTH = "http://user:secret@keystone.test/v3"
NOVA = "http://nova.test/v2.1"


def token(project_id=None, url=NOVA, service_type="compute", roles=("Reader",)):
    endpoint = {"interface": "public", "region": "one", "region_id": "one", "url": url, "id": "e"}
    body = {
        "expires_at": "2999-01-01T00:00:00Z",
        "issued_at": "2024-01-01T00:00:00Z",
        "user": {"id": "u", "name": "n", "domain": {"id": "d", "name": "d"}},
        "roles": [{"id": name, "name": name} for name in roles],
        "catalog": [{"type": service_type, "name": "nova", "id": "s", "endpoints": [endpoint]}],
    }
    if project_id:
        body["project"] = {"id": project_id, "name": "p", "domain": {"id": "d", "name": "d"}}
    return {"token": body}


@pytest.fixture
def web():
    with requests_mock.Mocker() as mocker:
        mocker.post("http://keystone.test/v3/auth/tokens", json=login, headers={"X-Subject-Token": "t"})
        mocker.post(f"{AUTH}/auth/tokens", json=login, headers={"X-Subject-Token": "t"})
        yield mocker


def login(request, context):
    scope = request.json()["auth"].get("scope")
    return token(scope["project"].get("id", "p") if isinstance(scope, dict) and "project" in scope else None)


def access(manners=None):
    options = {"auth_url": AUTH, "username": "me", "password": "hunter2", "user_domain_id": "d"}
    return Access("v3password", options, manners=manners or Manners(sleep=lambda seconds: None))


def nova(scope="p"):
    return access().api("compute", scope, "one")
