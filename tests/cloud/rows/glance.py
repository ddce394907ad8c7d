"""Glance: images and their properties."""

from datetime import timedelta

from tests.cloud.rows.table import Rows
from tests.cloud.seed.truth import Truth

GIB = 1 << 30


def add_glance(rows: Rows, truth: Truth) -> None:
    """All images are public, a year old and never change."""
    created = truth.reference - timedelta(days=365)
    number = 0
    for image in truth.images:
        rows.add(
            "glance",
            "images",
            id=image.id,
            name=image.name,
            size=GIB,
            status="active",
            created_at=created,
            updated_at=created,
            deleted=False,
            disk_format="qcow2",
            container_format="bare",
            owner=truth.projects[0].id,
            min_disk=0,
            min_ram=0,
            protected=False,
            visibility="public",
            os_hidden=False,
        )
        for name, value in image.properties.items():
            number += 1
            rows.add(
                "glance",
                "image_properties",
                id=number,
                image_id=image.id,
                name=name,
                value=value,
                created_at=created,
                updated_at=created,
                deleted=False,
            )
