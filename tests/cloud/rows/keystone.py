"""Keystone: domains, projects, people, roles, the catalog."""

import itertools
import json

from tests.cloud.configs import REGION
from tests.cloud.credentials import ADMIN, BILLING, READER
from tests.cloud.rows.table import Rows
from tests.cloud.seed.catalog import DEFAULT_DOMAIN, EGI_DOMAIN, TAG, stable_hex
from tests.cloud.seed.truth import Project, Truth

ROOT = "<<keystone.domain.root>>"
SERVICE_USERS = ("nova", "cinder", "glance", "neutron")
# bcrypt of configs.PASSWORD with the least rounds: tests wait for authentication all the time.
PASSWORD_HASH = "$2b$04$casotestcasotestcasoteyWFgNb09kKFJ1ClE900GNI2JoU1.3Na"
ROLES = ("admin", "manager", "member", "reader", "service")
# Types and path of the public endpoint of each.
ENDPOINTS = {
    "keystone": ("identity", "/v3"),
    "nova": ("compute", "/v2.1"),
    "cinder": ("block-storage", "/v3"),
    "glance": ("image", ""),
    "neutron": ("network", ""),
}


def add_keystone(rows: Rows, truth: Truth) -> None:
    """All of it; nothing in Keystone changes with time."""
    for domain_id, name in ((DEFAULT_DOMAIN, "Default"), (EGI_DOMAIN, "egi")):
        _project(rows, domain_id, name, ROOT, is_domain=True)
    _project(rows, stable_hex("project", "service"), "service", DEFAULT_DOMAIN)
    for project in truth.projects:
        _accounted(rows, project)
    _roles(rows)
    for user in truth.users:
        if user.exists:
            _user(rows, user.id, user.name, user.domain_id)
    _special_users(rows, truth)
    _catalog(rows)


def user_id(name: str) -> str:
    """Id of a service user, of the reader, of the admin or of the billing system."""
    return stable_hex("user", "special", name)


def endpoint_id(service: str, interface: str, region: str = REGION) -> str:
    """Where a region's endpoint of a service stands in the catalog."""
    return stable_hex("endpoint", service, interface, *([] if region == REGION else [region]))


def _role_id(name: str) -> str:
    return stable_hex("role", name)


def _project(
    rows: Rows,
    project_id: str,
    name: str,
    domain_id: str,
    *,
    is_domain: bool = False,
    extra: dict[str, str] | None = None,
) -> None:
    rows.add(
        "keystone",
        "project",
        id=project_id,
        name=name,
        extra=json.dumps(extra or {}),
        description="",
        enabled=True,
        domain_id=domain_id,
        parent_id=None if is_domain else domain_id,
        is_domain=is_domain,
    )


def _accounted(rows: Rows, project: Project) -> None:
    extra = {project.vo_property: project.vo} if project.vo_property and project.vo else {}
    _project(rows, project.id, project.name, DEFAULT_DOMAIN, extra=extra)
    if project.tagged:
        key = "project_id,name"
        rows.add("keystone", "project_tag", key=key, project_id=project.id, name=TAG)


def _roles(rows: Rows) -> None:
    """The default ones; each of the first three implies the next, as bootstrap makes it."""
    for name in ROLES:
        rows.add(
            "keystone",
            "role",
            id=_role_id(name),
            name=name,
            extra="{}",
            domain_id="<<null>>",
            description=None,
        )
    for prior, implied in itertools.pairwise(ROLES[:4]):
        rows.add(
            "keystone",
            "implied_role",
            key="prior_role_id,implied_role_id",
            prior_role_id=_role_id(prior),
            implied_role_id=_role_id(implied),
        )


def _user(rows: Rows, id_: str, name: str, domain_id: str, *, number: int | None = None) -> None:
    """A user; one with a number can log in."""
    rows.add(
        "keystone",
        "user",
        id=id_,
        extra="{}",
        enabled=True,
        domain_id=domain_id,
        created_at="2026-01-01 00:00:00.000000",
    )
    local_id = number or int(id_[:12], 16)
    rows.add("keystone", "local_user", id=local_id, user_id=id_, domain_id=domain_id, name=name,
             failed_auth_count=0)  # fmt: skip
    if number:
        rows.add(
            "keystone",
            "password",
            id=number,
            local_user_id=number,
            self_service=False,
            password_hash=PASSWORD_HASH,
            created_at="2026-01-01 00:00:00.000000",
            created_at_int=1767225600000000,
        )


def _special_users(rows: Rows, truth: Truth) -> None:
    service_project = stable_hex("project", "service")
    for number, name in enumerate((*SERVICE_USERS, READER, ADMIN, BILLING), start=1):
        _user(rows, user_id(name), name, DEFAULT_DOMAIN, number=number)
    for name in SERVICE_USERS:
        for role in ("admin", "service"):
            _grant(rows, name, role, service_project)
    _grant(rows, BILLING, "service", service_project)
    for name, role in ((READER, "reader"), (ADMIN, "admin")):
        for project in truth.accounted:
            _grant(rows, name, role, project.id)
        rows.add(
            "keystone",
            "system_assignment",
            key="actor_id,target_id,role_id",
            type="UserSystem",
            actor_id=user_id(name),
            target_id="system",
            role_id=_role_id(role),
            inherited=False,
        )


def _grant(rows: Rows, name: str, role: str, project_id: str) -> None:
    rows.add(
        "keystone",
        "assignment",
        key="actor_id,target_id,role_id",
        type="UserProject",
        actor_id=user_id(name),
        target_id=project_id,
        role_id=_role_id(role),
        inherited=False,
    )


def _catalog(rows: Rows) -> None:
    rows.add("keystone", "region", id=REGION, description="", extra="{}")
    for name, (kind, _) in ENDPOINTS.items():
        service_id = stable_hex("service", name)
        extra = json.dumps({"name": name})
        rows.add("keystone", "service", id=service_id, type=kind, enabled=True, extra=extra)
