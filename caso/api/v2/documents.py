"""What /v2 answers: every document, each field with what it means. The OpenAPI document has it from here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from caso.lifecycle.timeline import Source


def shown(instant: datetime) -> str:
    """
    >>> shown(datetime(2026, 1, 1, 12, 30, tzinfo=UTC))
    '2026-01-01T12:30:00Z'
    """
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


Instant = Annotated[datetime, PlainSerializer(shown), Field(json_schema_extra={"format": "date-time"})]
Hours = Annotated[float, Field(ge=0)]


class Document(BaseModel):
    """An object that has these fields, all of them, and no other."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_serialization_defaults_required=True)


class Fault(Document):
    """What is wrong, in a sentence, with what to do about it where that can be said."""

    error: str


class Accelerators(Document):
    type: str
    model: str
    count: float


class FlavorDocument(Document):
    """vcpus of 0: nobody told its size, it was written by its name alone."""

    name: str
    vcpus: float = Field(ge=0)
    memory_mib: int = Field(ge=0)
    disk_gib: int = Field(ge=0, description="Root and ephemeral disk together.")
    accelerators: list[Accelerators]


class IntervalDocument(Document):
    """A stretch of a life with nothing billed changing: `start` is inside, `end` is not."""

    id: str
    name: str | None = Field(description="Its name when the interval ended, or now.")
    region: str
    project_id: str
    start: Instant
    end: Instant | None = Field(description="null: it goes on.")
    source: Source = Field(description="Who told it.")


class ServerInterval(IntervalDocument):
    kind: Literal["server"] = "server"
    status: str = Field(description="Nova's word for it.")
    flavor: FlavorDocument


class VolumeInterval(IntervalDocument):
    kind: Literal["volume"] = "volume"
    size_gib: int = Field(ge=0)
    type: str | None = Field(description="The name of its volume type; null: it has none.")
    attached_to: list[str] = Field(description="The servers that it was attached to when the interval ended, or is now.")


AnyInterval = Annotated[ServerInterval | VolumeInterval, Field(discriminator="kind")]


class Page(Document):
    """Intervals in the order in which the resources were created, and of each resource by time."""

    next: str | None = Field(description="Where the next page is; null: this is the last one.")


class ServerPage(Page):
    intervals: list[ServerInterval]


class VolumePage(Page):
    intervals: list[VolumeInterval]


class ResourcePage(Page):
    intervals: list[AnyInterval]


class Telling(Document):
    """One telling of what the resource was, from `since` to `until`, first told at `told_at`."""

    source: Source
    since: Instant
    until: Instant
    told_at: Instant


class Writing(Document):
    """Something that a person wrote: from `at` on, and before `until` where that is not null, `field` is `value`."""

    written_at: Instant
    at: Instant
    until: Instant | None
    field: str
    value: object = Field(description="As it was sent.")


class ResourceDocument(Document):
    """The life of one resource, as far as the caller may read it: while it was of a project that they may read."""

    id: str
    kind: Literal["server", "volume"]
    name: str | None
    region: str
    project_id: str = Field(description="Who owns it now, or owned it last.")
    created: Instant
    ended: Instant | None = Field(description="null: it goes on.")
    end_reason: str | None = Field(description="Why it ended, where no service told its end.")
    known_at: Instant = Field(description="When something was last told of it.")
    intervals: list[AnyInterval]
    told: list[Telling]
    written: list[Writing]


class ResourceList(Document):
    """All that has the id: more than one only where several regions have it."""

    resources: list[ResourceDocument]


class ServerUseDocument(Document):
    count: int = Field(ge=0, description="Servers that were there.")
    count_of_unknown_size: int = Field(
        ge=0, description="How many of them were of a flavor that is known by name only: they have hours, and nothing else."
    )
    wall_hours: Hours = Field(description="Hours in which resources were held.")
    suspended_hours: Hours = Field(description="Hours in a state in which nothing is held; in none of the other numbers.")
    core_hours: Hours = Field(description="Wall hours times vCPUs.")
    memory_gib_hours: Hours = Field(description="Wall hours times GiB (1024 MiB) of memory.")
    disk_gib_hours: Hours = Field(description="Wall hours times GiB of root and ephemeral disk.")


class VolumeUseDocument(Document):
    count: int = Field(ge=0, description="Volumes that were there.")
    volume_gib_hours: Hours = Field(description="Hours times GiB (2^30 bytes) of size, whatever the status.")


class StretchUse(Document):
    start: Instant
    end: Instant = Field(description="Up to when it is counted: no later than now.")
    servers: ServerUseDocument
    volumes: VolumeUseDocument


class MonthUse(StretchUse):
    month: str = Field(pattern=r"^\d{4}-\d{2}$")


class UsageDocument(Document):
    """Use by the project's own intervals, by UTC months. Hours are rounded to a millionth, after they are added up."""

    project_id: str
    months: list[MonthUse]
    total: StretchUse = Field(description="All of the months. What is there in several of them is counted once.")


class VolumeTypeDocument(Document):
    id: str
    name: str
    region: str
    deleted: bool


class VolumeTypeList(Document):
    volume_types: list[VolumeTypeDocument]


class InfoDocument(Document):
    version: str
    resources: int = Field(ge=0, description="How many are known.")
    active_resources: int = Field(ge=0, description="How many of them have no end.")
    regions: list[str]
