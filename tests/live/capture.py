"""Captures what real services tell while things are done, for tests that need no services.

The fixtures hold the inner messages, a line each, in the order in which they came, those of priority error last: of Nova
unversioned (``legacy.jsonl``) and versioned (``versioned.jsonl``), and of Cinder (``cinder.jsonl``). ``log.jsonl`` has
what was done, by tests.live.log.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.broker import drain
from tests.databases.postgresql import PostgreSQL
from tests.live import log
from tests.live.cloud import LiveCloud
from tests.live.driver import Driver
from tests.live.lives import every_kind

FIXTURES = Path(__file__).parent.parent / "fixtures" / "notifications"
LEGACY = ("caso.info", "caso.error", "caso.warn")
VERSIONED = ("caso_versioned.info", "caso_versioned.error", "caso_versioned.warn")
KEPT = ("message_id", "publisher_id", "event_type", "priority", "timestamp", "payload")
SECRET = re.compile("token|password|secret|auth_key", re.IGNORECASE)
QUIET_SECONDS = 3
AUDITED_WITHIN = timedelta(minutes=3)
LARGE = "scheduler."
"""Of each message whose event type begins so one is kept: it is large, and tells nothing of what is billed."""
INSTALLED = re.compile(r"/[^\s\"]+/site-packages/")
"""Where the services are on the machine that captures: in tracebacks."""

Message = dict[str, Any]


def capture(folder: Path = FIXTURES) -> None:
    """Start a cloud, live one life of each kind, write what was told; three to five minutes."""
    folder.mkdir(parents=True, exist_ok=True)
    server = PostgreSQL()
    try:
        with tempfile.TemporaryDirectory(prefix="caso-live-") as work:
            steps, messages = _lived(Path(work), server)
    finally:
        server.stop()
    log.write(folder / "log.jsonl", steps)
    for name, found in messages.items():
        lines = [json.dumps(message, ensure_ascii=False) for message in few(found)]
        (folder / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _lived(work: Path, server: PostgreSQL) -> tuple[list[log.Step], dict[str, list[Message]]]:
    # Nova's hourly audit comes while there are servers, though nobody waits an hour.
    audited = datetime.now(UTC) + AUDITED_WITHIN
    with LiveCloud.start(work, server, audit_period=f"hour@{audited.minute}") as cloud:
        began = datetime.now(UTC)
        steps = Driver(cloud).run(every_kind())
        # What ends at the present second may have been told of with the next.
        cloud.audit_volumes(began - timedelta(hours=1), datetime.now(UTC))
        legacy = inner(bodies(cloud.broker_url, LEGACY))
        while datetime.now(UTC) < audited.replace(second=0) + timedelta(seconds=90) and not _hourly(legacy):
            legacy += inner(bodies(cloud.broker_url, LEGACY))
        versioned = inner(bodies(cloud.broker_url, VERSIONED))
    of_cinder = [message for message in legacy if is_of_cinder(message)]
    of_nova = [message for message in legacy if not is_of_cinder(message)]
    return steps, {"legacy": of_nova, "versioned": versioned, "cinder": of_cinder}


def _hourly(messages: Iterable[Message]) -> bool:
    """Whether the audit of a whole hour has come."""
    return any(
        message["event_type"] == "compute.instance.exists"
        and datetime.fromisoformat(message["payload"]["audit_period_ending"])
        - datetime.fromisoformat(message["payload"]["audit_period_beginning"])
        == timedelta(hours=1)
        for message in messages
    )


def bodies(url: str, queues: Iterable[str], quiet_seconds: float = QUIET_SECONDS) -> list[bytes]:
    """All that is in these queues, until nothing more has come for a while."""
    found: list[bytes] = []
    last = time.monotonic()
    while time.monotonic() < last + quiet_seconds:
        more = [body for queue in queues for body in drain(url, queue)]
        if more:
            found += more
            last = time.monotonic()
        time.sleep(0.2)
    return found


def inner(found: Iterable[bytes]) -> list[Message]:
    """The messages within their envelopes, without context and secrets."""
    return [scrubbed(json.loads(json.loads(body)["oslo.message"])) for body in found]


def scrubbed(message: Message) -> Message:
    """What a message says, and nothing that would let anyone in.

    >>> scrubbed({"event_type": "a", "_context_auth_token": "gAAAA", "payload": {"deep": [{"auth_token": "gAAAA"}]}})
    {'event_type': 'a', 'payload': {'deep': [{'auth_token': 'scrubbed'}]}}
    """
    return {key: _without_secrets(message[key]) for key in KEPT if key in message}


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: "scrubbed" if SECRET.search(key) and isinstance(inside, str) else _without_secrets(inside)
            for key, inside in value.items()
        }
    if isinstance(value, list):
        return [_without_secrets(one) for one in value]
    return INSTALLED.sub("/usr/lib/python3/dist-packages/", value) if isinstance(value, str) else value


def is_of_cinder(message: Message) -> bool:
    return message["event_type"].startswith(("volume", "snapshot", "scheduler.retype", "scheduler.create_volume"))


def few(messages: Iterable[Message]) -> list[Message]:
    """Each but the large ones that are there already."""
    seen = set()
    kept = []
    for message in messages:
        kind = message["event_type"]
        if not kind.startswith(LARGE) or kind not in seen:
            kept.append(message)
        seen.add(kind)
    return kept
