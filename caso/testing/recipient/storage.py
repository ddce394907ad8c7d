"""Storage records, EMI StAR XML: what APEL's parser finds in a message, then the record class, then the table."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from caso.testing.recipient.columns import Key, Read, RefusedError, Row, integer, row_of, text

NAMESPACE = "{http://eu-emi.eu/namespaces/2011/02/storagerecord}"
RECORD = NAMESPACE + "StorageUsageRecord"


def instant(value: Any) -> datetime:
    """ISO 8601; without an offset it is UTC; a number is no time."""
    try:
        moment = datetime.fromisoformat(value if "-" in value else "")
    except ValueError as exc:
        raise RefusedError(f"no time of ISO 8601: {value!r}") from exc
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


ABOUT_STORAGE = ("StorageSystem", "Site", "StorageShare", "StorageMedia", "StorageClass", "DirectoryPath")
ABOUT_SUBJECT = ("LocalUser", "LocalGroup", "UserIdentity", "Group")
ATTRIBUTES = {"subgroup": "SubGroup", "role": "Role"}
CAPACITIES = ("ResourceCapacityUsed", "LogicalCapacityUsed", "ResourceCapacityAllocated")

COLUMNS: Mapping[str, Read] = {
    **dict.fromkeys(("RecordId", *ABOUT_STORAGE, *ABOUT_SUBJECT, *ATTRIBUTES.values(), "Attribute", "AttributeType"), text()),
    **dict.fromkeys(("CreateTime", "StartTime", "EndTime"), instant),
    **dict.fromkeys(CAPACITIES, integer()),
    "FileCount": integer(32),
}
MANDATORY = ("RecordId", "CreateTime", "StorageSystem", "StartTime", "EndTime", "ResourceCapacityUsed")


def recognises(message: str) -> bool:
    return message.startswith("<")


def read(message: str) -> list[Row]:
    try:
        root = ET.fromstring(message)  # noqa: S314 - only caso's own messages come here
    except ET.ParseError as exc:
        raise RefusedError(f"no XML: {exc}") from exc
    if root.tag == RECORD:
        return [_row(root)]
    if root.tag != NAMESPACE + "StorageUsageRecords":
        raise RefusedError(f"no StorageUsageRecords in the namespace of StAR: {root.tag}")
    records = root.findall(RECORD)
    if not records:
        raise RefusedError("there is no StorageUsageRecord in it")
    return [_row(record) for record in records]


def key(row: Row) -> Key:
    """RecordId alone: a record with the same id replaces the other, whatever month it is of."""
    return (row["RecordId"],)


def _row(record: ET.Element) -> Row:
    return row_of(dict(_members(record)), COLUMNS, MANDATORY)


def _members(record: ET.Element) -> Iterator[tuple[str, str | None]]:
    for identity in record.findall(NAMESPACE + "RecordIdentity"):
        # Attributes without the namespace, as a default xmlns= leaves them, are not found.
        yield "RecordId", identity.get(NAMESPACE + "recordId")
        yield "CreateTime", identity.get(NAMESPACE + "createTime")
    for name in (*ABOUT_STORAGE, "FileCount", "StartTime", "EndTime", *CAPACITIES):
        yield from ((name, element.text) for element in record.findall(NAMESPACE + name))
    for subject in record.findall(NAMESPACE + "SubjectIdentity"):
        for name in ABOUT_SUBJECT:
            yield from ((name, element.text) for element in subject.findall(NAMESPACE + name))
        yield from _attributes(subject)


def _attributes(subject: ET.Element) -> Iterator[tuple[str, str | None]]:
    attributes = subject.findall(NAMESPACE + "GroupAttribute")
    if attributes and subject.find(NAMESPACE + "Group") is None:
        raise RefusedError("a GroupAttribute needs a Group")
    for attribute in attributes:
        kind = attribute.get(NAMESPACE + "attributeType")
        if kind in ATTRIBUTES:
            yield ATTRIBUTES[kind], attribute.text
        else:
            yield "Attribute", attribute.text
            yield "AttributeType", kind
