"""Where things live, and what is extracted from where."""

from __future__ import annotations

from typing import NamedTuple


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
