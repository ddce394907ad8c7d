"""What real services wrote, read: nothing is unreadable, and it tells what their API told at the time."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from caso.sources.messages import (
    Ignored,
    Message,
    ServerMessage,
    VolumeMessage,
    VolumeTypeEvent,
    VolumeTypeMessage,
    open_envelope,
    read,
)

FOLDER = Path(__file__).parents[2] / "fixtures" / "notifications"
# The API shows what was done a little before the message about it is written.
A_MOMENT = timedelta(seconds=1)
STREAMS = ["legacy", "versioned", "cinder"]


def lines(name: str) -> list[str]:
    return (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()


def messages(name: str) -> list[Message]:
    found = [open_envelope(line.encode()) for line in lines(name)]
    assert all(isinstance(message, Message) for message in found)
    return [message for message in found if isinstance(message, Message)]


def servers(name: str) -> Mapping[str, list[ServerMessage]]:
    """What is told of each server, in the order of the messages' times."""
    told = defaultdict(list)
    for message in sorted(messages(name), key=lambda message: message.at):
        if isinstance(server := read(message), ServerMessage):
            told[server.uuid].append(server)
    return told


def volumes() -> Mapping[str, list[VolumeMessage]]:
    told = defaultdict(list)
    for message in sorted(messages("cinder"), key=lambda message: message.at):
        if isinstance(volume := read(message), VolumeMessage):
            told[volume.uuid].append(volume)
    return told


def steps(kind: str) -> list[dict[str, Any]]:
    """What was done, and what the API then showed."""
    return [step for step in map(json.loads, lines("log")) if step["kind"] == kind]


@pytest.mark.parametrize("name", STREAMS)
def test_every_message_is_read_or_ignored(name: str):
    for message in messages(name):
        told = read(message)

        if message.event_type.startswith(("compute.instance.", "instance.", "volume.")):
            whole = message.event_type.endswith((".end", ".error", ".update", ".exists", ".retype"))
            is_of_the_deleted = message.event_type == "volume.exists" and message.payload["status"] == "deleted"
            assert isinstance(told, ServerMessage | VolumeMessage) == (whole and not is_of_the_deleted), message.event_type
        elif message.event_type in {f"volume_type.{event}" for event in VolumeTypeEvent}:
            assert isinstance(told, VolumeTypeMessage)
        else:
            assert isinstance(told, Ignored), message.event_type


@pytest.mark.parametrize("name", STREAMS)
def test_no_token_is_left_in_a_message(name: str):
    assert not [message for message in messages(name) if '"auth_token": "scrubbed"' in json.dumps(message.payload)]


@pytest.mark.parametrize("name", ["legacy", "versioned"])
def test_of_each_step_some_message_of_the_server_tells_what_the_api_showed(name: str):
    told = servers(name)
    compared = 0

    for step in steps("server"):
        since, until = (datetime.fromisoformat(step[name]) for name in ("started_at", "finished_at"))
        during = [one for one in told[step["id"]] if since <= one.at <= until + A_MOMENT]
        if not during:
            # A server that no host takes sends no message of its own, and of updates few were kept.
            assert step["status"] == "ERROR" or step["operation"] == "rename"
            continue
        status = "DELETED" if step["status"] == "deleted" else step["status"]
        showed = (status, step["flavor"], step["project_id"], step["name"])
        assert showed in [(one.status, one.flavor, one.project_id, one.name) for one in during], step
        compared += 1

    assert compared > 20


def test_both_generations_tell_the_same_of_what_happened():
    legacy, versioned = servers("legacy"), servers("versioned")
    compared = 0

    for uuid, its in legacy.items():
        others = {(one.event, one.status): one for one in versioned[uuid] if one.event not in {"update", "exists"}}
        for one in its:
            other = others.get((one.event, one.status))
            if other is None:
                continue
            assert (one.flavor, one.vcpus, one.memory_mib, one.disk_gib) == (
                other.flavor,
                other.vcpus,
                other.memory_mib,
                other.disk_gib,
            )
            assert (one.name, one.hostname, one.image_id, one.user_id, one.project_id, one.launched) == (
                other.name,
                other.hostname,
                other.image_id,
                other.user_id,
                other.project_id,
                other.launched,
            )
            assert (one.ended is None) == (other.ended is None)
            assert one.created.replace(microsecond=0) == other.created
            compared += 1

    assert compared > 40


def test_a_server_ends_once_at_the_same_second_whoever_tells():
    ended = {uuid: {one.ended.replace(microsecond=0) for one in its if one.ended} for uuid, its in servers("legacy").items()}

    assert len([ends for ends in ended.values() if ends]) > 4
    assert all(len(ends) <= 1 for ends in ended.values())


def test_after_each_step_the_newest_message_of_a_volume_tells_what_the_api_showed():
    told = volumes()
    compared = 0

    for step in steps("volume"):
        newest = [one for one in told[step["id"]] if one.at <= datetime.fromisoformat(step["finished_at"])][-1]
        assert (newest.ended is not None) == (step["status"] == "deleted")
        assert (newest.size_gib, newest.type_id, newest.project_id, newest.name) == (
            step["size_gib"],
            step["type_id"],
            step["project_id"],
            step["name"],
        )
        assert list(newest.attached_to) == step["attached_to"]
        compared += 1

    assert compared > 10


def test_volume_types_have_the_names_that_they_were_given():
    told = [one for message in messages("cinder") if isinstance(one := read(message), VolumeTypeMessage)]
    done = steps("volume_type")

    names = {"create": VolumeTypeEvent.CREATE, "rename": VolumeTypeEvent.UPDATE, "delete": VolumeTypeEvent.DELETE}
    assert sorted((one.type_id, one.event, one.name) for one in told) == sorted(
        (step["id"], names[step["operation"]], step["name"]) for step in done
    )
