"""Who may do what by caso-api: the table of the documentation, tried with a real Keystone."""

import contextlib
import itertools
import logging
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session

from caso import config
from caso.api.app import create_app
from caso.api.settings import Settings
from caso.store import Place, open_store
from caso.testing.entities import hours, seen_server
from caso.wiring.access import callers
from tests.cloud.configs import PASSWORD
from tests.cloud.faults import Fault

PAGE = Path(__file__).parents[2] / "doc" / "source" / "access.rst"
KEY = "a long random text"
PLACE = Place("cloud", "RegionOne")
SERVER = "11111111-2222-4333-8444-555555555555"
PERIOD = "start=2026-01-01%2000:00:00.000&end=2026-02-01%2000:00:00.000"
SHORT = 30
"""Seconds that a token lasts which shall expire; on a busy machine Keystone takes some to give it and to tell of it."""

ALMANACHS_FILE = """
[DEFAULT]
spooldir = {spool}
[auth]
strategy = private_key,keystone
private_key = {key}
[keystone_authtoken]
username = nova
password = {password}
user_domain_id = default
user_domain_name = Default
project_domain_name = Default
project_name = service
auth_url = {auth_url}
"""
"""As Almanach 4 has the last group."""

numbers = itertools.count()


def matrix():
    """The table of the page: the status of each cell by its row and its column."""
    text = PAGE.read_text(encoding="utf-8").partition("Who may do what\n===============")[2]
    rows = [re.findall(r"^   (?:\*|  ) ?-? ?- (.*)$", row, re.MULTILINE) for row in re.split(r"(?m)^(?=   \* - )", text)]
    head, *found = [row for row in rows if len(row) > 1]
    return {row[0]: dict(zip(head[1:], map(int, row[1:]), strict=True)) for row in found}


def requests_of(column, project_id):
    """Every request that a column of the table stands for."""
    if column == "to write":
        body = {"id": f"new-{next(numbers)}", "created_at": "2026-01-02T00:00:00.0Z", "name": "n", "flavor": "f"}
        body |= {"os_distro": "linux", "os_version": "1", "os_type": "linux"}
        return [("POST", f"/v1/project/{project_id}/instance", body)]
    paths = {
        "a list of a project": [
            *(f"/v2/projects/{project_id}/{name}" for name in ("servers", "volumes", "resources", "usage")),
            *(f"/v1/project/{project_id}/{name}?{PERIOD}" for name in ("instances", "volumes", "entities")),
        ],
        "one server": [f"/v2/resources/{SERVER}", f"/v1/entity/{SERVER}"],
        "volume types": ["/v2/volume-types", "/v1/volume_types"],
        "``/v2/info``": ["/v2/info"],
    }
    return [("GET", path, None) for path in paths[column]]


@pytest.fixture
def site(cloud, tmp_path):
    """The client of the real app, with the file of Almanach's that says where Keystone is."""
    file = tmp_path / "caso.conf"
    text = ALMANACHS_FILE.format(spool=tmp_path, key=KEY, password=PASSWORD, auth_url=cloud.auth_url)
    file.write_text(text)
    conf = config.build([f"--config-file={file}"], "caso-extract", files=[])
    store = open_store(f"sqlite:///{tmp_path}/caso.sqlite")
    store.observe(PLACE, [seen_server(at=hours(1), uuid=SERVER, project_id=own(cloud))], by="nova")
    with contextlib.closing(store.database):
        yield create_app(store, Settings(place=PLACE), callers(conf), lambda: datetime.now(UTC)).test_client()


def own(cloud):
    return cloud.truth.accounted[0].id


def login(credentials, **scope):
    """A token, and when it ends."""
    session = Session()
    access = Password(**credentials.auth(**scope)).get_access(session)
    return access.auth_token, access.expires


def short_lived(cloud, site):
    """A token that is good for a little while, and when it ends; caso-api sees it before, and then has it in its cache."""
    # caso-api's own login, which takes its time, is done before the clock runs.
    assert statuses(site, "unknown", "``/v2/info``", own(cloud)) == {401}
    with cloud.tokens_last(SHORT):
        token, end = login(cloud.reader, project_id=own(cloud))
        assert statuses(site, token, "``/v2/info``", own(cloud)) == {200}
    return token, end


def revoked(cloud):
    """A token that nobody has seen before it was revoked."""
    token, _ = login(cloud.admin, project_id=own(cloud))
    headers = {"X-Auth-Token": token, "X-Subject-Token": token}
    assert Session().delete(f"{cloud.auth_url}/auth/tokens", headers=headers).status_code == 204
    return token


def statuses(site, token, column, project_id):
    headers = {} if token is None else {"X-Auth-Token": token}
    asked = requests_of(column, project_id)
    return {site.open(path, method=method, json=body, headers=headers).status_code for method, path, body in asked}


def test_every_cell_of_the_table_is_what_a_real_keystone_and_the_real_app_make_of_it(cloud, site):
    mine, other = (project.id for project in cloud.truth.accounted[:2])
    told = matrix()
    expiring, end = short_lived(cloud, site)
    tokens = {
        "the private key": KEY,
        "another key": KEY.upper(),
        "nobody: no token": None,
        "a reader, with a token for the project": login(cloud.reader, project_id=mine)[0],
        "a reader, with a token for another project": login(cloud.reader, project_id=other)[0],
        "an administrator, with a token for the project": login(cloud.admin, project_id=mine)[0],
        "an administrator, with a token for another project": login(cloud.admin, project_id=other)[0],
        "an administrator, with a token for the system": login(cloud.admin, system=True)[0],
        "a service, with a token for the project of services": login(cloud.billing, project_id=cloud.services_project)[0],
        "a reader, with a token for the system": login(cloud.reader, system=True)[0],
        "a reader, with a token for nothing": login(cloud.reader)[0],
        "a reader, with a token for the project that has expired": expiring,
        "an administrator, with a token that was revoked": revoked(cloud),
    }
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()) + 1)

    found = {row: {column: statuses(site, tokens[row], column, mine) for column in columns} for row, columns in told.items()}

    assert len(told) == len(tokens) > 12
    assert found == {row: {column: {status} for column, status in columns.items()} for row, columns in told.items()}


def test_anybody_may_ask_what_is_open(site):
    answers = {path: site.get(path).status_code for path in ("/info", "/v1/info", "/v2/openapi.json")}

    assert answers == dict.fromkeys(answers, 200)


def test_what_a_caller_says_of_itself_counts_for_nothing(cloud, site):
    token, _ = login(cloud.reader, project_id=cloud.truth.accounted[1].id)
    lies = {"X-Identity-Status": "Confirmed", "X-Roles": "admin", "X-Project-Id": own(cloud), "OpenStack-System-Scope": "all"}

    for headers in (lies, lies | {"X-Auth-Token": "x"}):
        assert site.get(f"/v2/resources/{SERVER}", headers=headers).status_code == 401
    assert site.get(f"/v2/resources/{SERVER}", headers=lies | {"X-Auth-Token": token}).status_code == 404


@pytest.mark.parametrize(
    "trouble", [{"status": 503}, {"status": 500}, {"reset": True}, {"malformed": True}, {"truncate": 40}], ids=str
)
def test_while_keystone_does_not_answer_nobody_is_told_that_the_token_is_bad(cloud, site, trouble):
    token, _ = login(cloud.reader, project_id=own(cloud))
    cloud.faults.add(Fault("keystone", **trouble))

    answers = [site.get(path, headers={"X-Auth-Token": token}) for path in (f"/v2/resources/{SERVER}", f"/v1/entity/{SERVER}")]
    by_key = site.get(f"/v2/resources/{SERVER}", headers={"X-Auth-Token": KEY})
    info = site.get("/info", headers={"X-Auth-Token": token})
    cloud.faults.clear()
    again = site.get(f"/v2/resources/{SERVER}", headers={"X-Auth-Token": token})

    assert [answer.status_code for answer in answers] == [503, 503]
    assert {answer.headers["Retry-After"] for answer in answers} == {"10"}
    assert {answer.get_json()["error"] for answer in answers} == {"who asks cannot be found out now; try again later"}
    assert (by_key.status_code, info.status_code, again.status_code) == (200, 200, 200)


def test_no_token_and_no_key_gets_into_the_log(cloud, site, caplog):
    caplog.set_level(logging.DEBUG)
    token, _ = login(cloud.reader, project_id=own(cloud))
    sent = [token, revoked(cloud), KEY, f"{KEY} x", "0123456789abcdef0123456789abcdef"]
    caplog.clear()

    for one in sent:
        site.get(f"/v2/resources/{SERVER}", headers={"X-Auth-Token": one})

    assert "Authorization failed for token" in caplog.text
    assert [one for one in (*sent, PASSWORD) if one in caplog.text] == []
