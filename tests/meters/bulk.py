"""Resources and metrics by the thousand, written straight into the rows that Gnocchi's API would write, one by one."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from sqlalchemy import Connection, MetaData, Table

from tests.meters.gnocchi import Gnocchi
from tests.meters.resource import Resource

NAMESPACE = uuid.UUID("0a7a15ff-aa13-4ac2-897c-9bdf30ce175b")
"""Gnocchi's own, of the UUIDs that it gives to resources that have none."""


def create(gnocchi: Gnocchi, resources: Iterable[Resource]) -> None:
    """Resources as they were first told of, and all their metrics, still without measures."""
    resources = list(resources)
    with gnocchi.database() as database:
        tables = _tables(database)
        database.execute(tables["resource"].insert(), [_row(resource, gnocchi.creator) for resource in resources])
        for kind in {resource.type for resource in resources}:
            rows = [_own(resource, gnocchi.creator, tables[kind]) for resource in resources if resource.type == kind]
            database.execute(tables[kind].insert(), rows)
        metrics = [row for resource in resources for row in _metrics(resource, gnocchi.creator)]
        if metrics:
            database.execute(tables["metric"].insert(), metrics)


def _tables(database: Connection) -> dict[str, Table]:
    """Those with the attributes of each type of resource have names that Gnocchi made up."""
    known = dict(database.exec_driver_sql("SELECT name, tablename FROM resource_type WHERE tablename <> 'generic'").all())
    metadata = MetaData()
    names = {"resource": "resource", "metric": "metric", **known}
    return {name: Table(table, metadata, autoload_with=database, resolve_fks=False) for name, table in names.items()}


def _number(resource: Resource, creator: str) -> uuid.UUID:
    try:
        return uuid.UUID(resource.id)
    except ValueError:
        return uuid.uuid5(NAMESPACE, f"{resource.id}\0{creator}")


def _row(resource: Resource, creator: str) -> dict[str, object]:
    at, told = resource.revisions[0]
    return {
        "id": _number(resource, creator),
        "original_resource_id": resource.id,
        "type": resource.type,
        "creator": creator,
        "user_id": told["user_id"],
        "project_id": told["project_id"],
        "started_at": at,
        "revision_start": at,
    }


def _own(resource: Resource, creator: str, table: Table) -> dict[str, object]:
    """What is a type's own."""
    _, told = resource.revisions[0]
    return {"id": _number(resource, creator)} | {
        column.name: told.get(column.name) for column in table.columns if column.name != "id"
    }


def _metrics(resource: Resource, creator: str) -> list[dict[str, object]]:
    owner = _number(resource, creator)
    return [
        {
            "id": uuid.uuid5(owner, name),
            "archive_policy_name": policy,
            "creator": creator,
            "resource_id": owner,
            "name": name,
            "unit": unit,
            "status": "active",
        }
        for name, (policy, unit, measures) in resource.meters.items()
        if measures
    ]
