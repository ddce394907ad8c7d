"""Where things live, what is extracted from where, and how messages call a store."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import URL


class Place(NamedTuple):
    """A region of a cloud: where entities live."""

    cloud: str
    region: str


class Scope(NamedTuple):
    """What has a checkpoint of its own."""

    cloud: str
    region: str
    project_id: str
    extractor: str

    @property
    def place(self) -> Place:
        return Place(self.cloud, self.region)

    def __str__(self) -> str:
        return "/".join(self)


def shown(url: URL) -> str:
    """The URL of a store as messages have it: a password may stand in its query as well."""
    return url.set(query={}).render_as_string(hide_password=True)
