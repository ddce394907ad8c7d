"""Nova's servers and flavors as typed rows: strict where numbers come from, blind to fields that are not used."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, WrapValidator

from caso.window import as_utc


def _in_utc(instant: datetime) -> datetime:
    try:
        return as_utc(instant)
    except OverflowError as exc:
        # The first hours of the year 1 in a zone to the east are in no year of UTC.
        raise ValueError("it is before or after all times") from exc


# Nova writes created with a Z and launched_at without a zone; both are UTC.
UtcTime = Annotated[datetime, AfterValidator(_in_utc)]


def _kept(text: str) -> str:
    if "\0" in text or not _is_whole(text):
        raise ValueError("it holds characters that no database keeps")
    return text


def _is_whole(text: str) -> bool:
    return text.isascii() or text == text.encode(errors="replace").decode()


LONGEST_ID = 255
"""Characters; more than any service gives, and as many as every database keeps."""

# What things are told apart by: longer, or cut, or with other letters, it would be another thing.
Id = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ID), AfterValidator(_kept)]
# JSON can name half a character, which no file and no database can keep.
Text = Annotated[str, AfterValidator(lambda text: text if text.isascii() else text.encode(errors="replace").decode())]


class Row(BaseModel):
    """A row of an API: checked once, never changed."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


MOST_ALIKE = 1000
"""Rows in rows that are remembered as they were read; what a cloud has more of is read anew."""


def _read_once(*fields: str) -> WrapValidator:
    """Reads a row in a row of these fields, the first of which nearly tells it, once for all that have it alike.

    Thousands of servers have the same few flavors and images; to see that one was read already costs a tenth of reading it.
    """
    read: dict[str, tuple[list[Any], Any]] = {}

    def alike(raw: Any, validate: Callable[[Any], Any]) -> Any:
        name = raw.get(fields[0]) if isinstance(raw, dict) else None
        if not isinstance(name, str):
            return validate(raw)
        told = [raw.get(field, ...) for field in fields]
        held = read.get(name)
        if held is not None and held[0] == told:
            return held[1]
        row = validate(raw)
        if len(read) >= MOST_ALIKE:
            read.clear()
        read[name] = told, row
        return row

    return WrapValidator(alike)


class EmbeddedFlavor(Row):
    """The flavor as the server got it; Nova shows it so since 2.47, without the flavor's id. Memory in MiB, disks in GiB."""

    original_name: Text
    vcpus: int = Field(ge=0)
    ram: int = Field(ge=0)
    disk: int = Field(ge=0)
    ephemeral: int = Field(default=0, ge=0)
    extra_specs: dict[Text, Text] = {}


class ImageRef(Row):
    """The image a server was booted from."""

    id: Id


class Address(Row):
    """One address of a port of a server."""

    addr: Text
    version: int
    type: Text | None = Field(default=None, alias="OS-EXT-IPS:type")

    @property
    def is_floating(self) -> bool:
        return self.type == "floating"


class ServerRow(Row):
    """A server of ``GET /servers/detail``; ``status`` is Nova's word."""

    id: Id
    name: Text | None = None
    status: Id
    tenant_id: Id
    user_id: Text | None = None
    created: UtcTime
    updated: UtcTime | None = None
    launched_at: UtcTime | None = Field(default=None, alias="OS-SRV-USG:launched_at")
    terminated_at: UtcTime | None = Field(default=None, alias="OS-SRV-USG:terminated_at")
    flavor: Annotated[EmbeddedFlavor, _read_once(*EmbeddedFlavor.model_fields)]
    image: Annotated[ImageRef | Literal[""] | None, _read_once(*ImageRef.model_fields)] = None
    """Empty for a server booted from a volume."""
    addresses: dict[str, tuple[Address, ...]] = {}


class FlavorRow(Row):
    """A flavor of ``GET /flavors/detail``; ``extra_specs`` is None where this role may not see them.

    Its id and size are of use to who was not told them with the server.
    """

    name: Id
    id: Text | None = None
    vcpus: int | None = None
    ram: int | None = None
    disk: int = 0
    ephemeral: int = Field(default=0, alias="OS-FLV-EXT-DATA:ephemeral")
    public: bool = Field(default=True, alias="os-flavor-access:is_public")
    extra_specs: dict[Text, Text] | None = None


class ActionRow(Row):
    """An entry of ``GET /servers/ID/os-instance-actions``, by Nova's name for it.

    ``updated_at`` is when it ended, or last went on: None for one that nobody has begun to do, absent before 2.58.
    """

    action: Id
    start_time: UtcTime
    updated_at: UtcTime | None = None
    message: Text | None = None

    @property
    def at(self) -> datetime | None:
        """When it was done, as far as it is told; None where nothing was done yet."""
        return self.updated_at if "updated_at" in self.model_fields_set else self.start_time

    @property
    def failed(self) -> bool:
        return self.message == "Error"


@dataclasses.dataclass(frozen=True)
class PartialRow:
    """A server of which only its existence is known, since its cell is down; ``tenant_id`` may be unknown too."""

    id: str
    tenant_id: str | None


@dataclasses.dataclass(frozen=True)
class OddRow:
    """A row that cannot be read, and why; ``deleted`` where at least its status says that it is."""

    id: str
    tenant_id: str | None
    reason: str
    deleted: bool = False


def read_server(raw: Mapping[str, Any]) -> ServerRow | OddRow | PartialRow:
    """The typed row of a server.

    >>> read_server({"id": "a", "status": "UNKNOWN", "tenant_id": "p", "created": "2024-02-01T00:00:00Z"})
    PartialRow(id='a', tenant_id='p')
    """
    if raw.get("status") == "UNKNOWN" and "flavor" not in raw and isinstance(raw.get("id"), str):
        return PartialRow(str(text_or_none(raw["id"])), text_or_none(raw.get("tenant_id")))
    try:
        return ServerRow.model_validate(raw)
    except ValidationError as exc:
        return OddRow(id_of(raw), text_or_none(raw.get("tenant_id")), why(exc), raw.get("status") == "DELETED")


def id_of(raw: Mapping[str, Any]) -> str:
    """What an odd row is called: its id as far as it can be told, short enough to be kept."""
    return str(raw.get("id")).encode(errors="replace").decode().replace("\0", "?")[:LONGEST_ID]


def why(exc: ValidationError) -> str:
    """What is wrong with a row, on one line: ``flavor.vcpus: Input should be a valid integer``."""
    return "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in exc.errors(include_url=False))


def text_or_none(value: Any) -> str | None:
    """A text that is no empty one; what stands for half a character in it becomes a question mark."""
    return value.encode(errors="replace").decode() if isinstance(value, str) and value else None
