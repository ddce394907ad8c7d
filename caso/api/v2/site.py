"""What there is of no project: volume types, and caso itself."""

from __future__ import annotations

from caso.api.v2.asking import Asked, Operation
from caso.api.v2.documents import InfoDocument, VolumeTypeDocument, VolumeTypeList


def volume_types(asked: Asked) -> VolumeTypeList:
    asked.require_readable(None)
    found = [
        VolumeTypeDocument(id=one.id, name=one.name, region=place.region, deleted=one.deleted)
        for place, one in asked.store.volume_types.everywhere()
    ]
    return VolumeTypeList(volume_types=found)


def info(asked: Asked) -> InfoDocument:
    asked.require_readable(None)
    every, active = asked.store.lives.counts()
    regions = sorted({place.region for place in asked.store.lives.places()})
    return InfoDocument(version=asked.settings.version, resources=every, active_resources=active, regions=regions)


OPERATIONS = (
    Operation("list_volume_types", "/volume-types", "The volume types that are known", VolumeTypeList, volume_types),
    Operation("show_info", "/info", "Which caso this is, and how much it knows", InfoDocument, info),
)
