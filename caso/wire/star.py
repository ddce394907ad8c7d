"""Storage records as EMI StAR XML, which APEL's server loads.

A message is all or nothing on the server, as those of caso.wire.apel are. Attributes carry the
namespace as elements do: the server rejects plain ones. Names are written with their prefix, as
ElementTree keeps prefixes in a table that the whole process shares.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from caso.records import StorageRecord
from caso.wire import values
from caso.wire.apel import Fields, Form
from caso.wire.text import ENCRYPTED, needed, unicode_key, unicode_line
from caso.wire.values import rendered

NAMESPACE = "http://eu-emi.eu/namespaces/2011/02/storagerecord"

STORAGE: Fields = {
    "recordId": ("record_id", unicode_key),
    "createTime": ("measured_at", values.iso),
    "StorageSystem": ("service_name", lambda name: needed(unicode_line(name))),
    "Site": ("site_name", unicode_key),
    "StorageClass": ("volume_type", unicode_line),
    "LocalUser": ("user_id", unicode_line),
    "LocalGroup": ("project_id", unicode_line),
    "UserIdentity": ("user_name", unicode_line),
    "Group": ("vo", lambda vo: needed(unicode_line(groups_of(vo)["Group"]))),
    "SubGroup": ("vo", lambda vo: unicode_line(groups_of(vo).get("SubGroup", ""))),
    "Role": ("vo", lambda vo: unicode_line(groups_of(vo).get("Role", ""))),
    "StartTime": ("start", values.iso),
    "EndTime": ("measured_at", values.iso),
    # A volume holds its size whatever is written in it, and nobody else can have that space.
    "ResourceCapacityUsed": ("size_bytes", values.integer),
    "ResourceCapacityAllocated": ("size_bytes", values.integer),
}
_STORAGE = Form(STORAGE)
ABOUT_STORAGE = ("StorageSystem", "Site", "StorageClass")
ABOUT_SUBJECT = ("LocalUser", "LocalGroup", "UserIdentity", "Group")
GROUP_ATTRIBUTES = {"SubGroup": "subgroup", "Role": "role"}
"""APEL's column -> attributeType of the element that fills it."""
MEASURES = ("StartTime", "EndTime", "ResourceCapacityUsed", "ResourceCapacityAllocated")


def storage_message(records: Sequence[StorageRecord]) -> bytes:
    """One StAR message, pure ASCII, the records in their order.

    RejectedError names every record that cannot be carried; the others may be sent without them.
    """
    root = ET.Element("sr:StorageUsageRecords", {"xmlns:sr": NAMESPACE})
    root.extend(rendered(records, _element))
    ET.indent(root, " ")
    # What is not ASCII becomes a character reference.
    text = ET.tostring(root, encoding="us-ascii", xml_declaration=True).decode("ascii")
    # In XML a reference to the slash is the same slash, so even a key may hold it.
    return (ENCRYPTED.sub("application&#47;", text) + "\n").encode("ascii")


def groups_of(fqan: str) -> dict[str, str]:
    """The VO as Group, with SubGroup and Role where the FQAN has them; what does not start with ``/`` is a VO.

    >>> groups_of("/vo.example.org/students/2024/Role=admin/Capability=NULL")
    {'Group': 'vo.example.org', 'SubGroup': 'students/2024', 'Role': 'admin'}
    >>> groups_of("vo.example.org")
    {'Group': 'vo.example.org'}
    """
    parts = [part for part in fqan.partition(";")[0].split("/") if part]
    names = [part for part in parts if not part.startswith(("Role=", "Capability="))]
    if not fqan.startswith("/") or not names:
        return {"Group": fqan}
    roles = [part.removeprefix("Role=") for part in parts if part.startswith("Role=")]
    # A VOMS server writes NULL where there is no role.
    found = {"Group": names[0], "SubGroup": "/".join(names[1:]), "Role": "".join(role for role in roles[:1] if role != "NULL")}
    return {name: value for name, value in found.items() if value}


def _element(record: StorageRecord) -> ET.Element:
    members = {name: str(value) for name, value in _STORAGE.written(record).items()}
    element = ET.Element("sr:StorageUsageRecord")
    identity = {f"sr:{name}": members[name] for name in ("createTime", "recordId")}
    ET.SubElement(element, "sr:RecordIdentity", identity)
    _add(element, ABOUT_STORAGE, members)
    subject = ET.SubElement(element, "sr:SubjectIdentity")
    _add(subject, ABOUT_SUBJECT, members)
    for name, kind in GROUP_ATTRIBUTES.items():
        if name in members:
            ET.SubElement(subject, "sr:GroupAttribute", {"sr:attributeType": kind}).text = members[name]
    _add(element, MEASURES, members)
    return element


def _add(parent: ET.Element, names: Sequence[str], members: dict[str, str]) -> None:
    for name in names:
        if name in members:
            ET.SubElement(parent, f"sr:{name}").text = members[name]
