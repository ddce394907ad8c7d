"""What can be done to a server, in which states, and what Nova shows and notes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Verb(NamedTuple):
    """Something that can be done to a server: in which states, to which one it leads, and Nova's name of the action.

    ``during`` is the state shown while it is done; None: the one before. ``status`` None: the one that the server had
    before it was resized, or has. ``action`` None: Nova notes none.
    """

    action: str | None
    states: frozenset[str]
    status: str | None
    during: str | None = None
    failed: bool = False


def _verb(action: str | None, states: str, status: str | None, during: str | None = None, *, failed: bool = False) -> Verb:
    return Verb(action, frozenset(states.split()), status, during, failed)


LIVING = "ACTIVE SHUTOFF PAUSED SUSPENDED SHELVED SHELVED_OFFLOADED RESCUE VERIFY_RESIZE ERROR"

# What Nova allows in which state: nova/compute/api.py (check_instance_state). What it shows meanwhile:
# nova/api/openstack/common.py (_STATE_MAP).
VERBS: Mapping[str, Verb] = {
    "stop": _verb("stop", "ACTIVE ERROR", "SHUTOFF"),
    "start": _verb("start", "SHUTOFF", "ACTIVE"),
    "pause": _verb("pause", "ACTIVE RESCUE", "PAUSED"),
    "unpause": _verb("unpause", "PAUSED", "ACTIVE"),
    "suspend": _verb("suspend", "ACTIVE RESCUE", "SUSPENDED"),
    "resume": _verb("resume", "SUSPENDED", "ACTIVE"),
    "shelve": _verb("shelve", "ACTIVE SHUTOFF PAUSED SUSPENDED", "SHELVED"),
    # Where shelved_offload_time is 0, as Nova has it unless told otherwise.
    "shelveAtOnce": _verb("shelve", "ACTIVE SHUTOFF PAUSED SUSPENDED", "SHELVED_OFFLOADED"),
    "shelveOffload": _verb("shelveOffload", "SHELVED", "SHELVED_OFFLOADED"),
    # Where shelved_offload_time is set, Nova offloads by itself when it is over, and notes no action.
    "offloadInTime": _verb(None, "SHELVED", "SHELVED_OFFLOADED"),
    "unshelve": _verb("unshelve", "SHELVED SHELVED_OFFLOADED", "ACTIVE"),
    "rescue": _verb("rescue", "ACTIVE SHUTOFF ERROR", "RESCUE"),
    "unrescue": _verb("unrescue", "RESCUE", "ACTIVE"),
    "rebuild": _verb("rebuild", "ACTIVE SHUTOFF", None, "REBUILD"),
    "reboot": _verb("reboot", "ACTIVE", "ACTIVE", "REBOOT"),
    "hardReboot": _verb("reboot", "SHUTOFF PAUSED SUSPENDED ERROR", "ACTIVE"),
    "resize": _verb("resize", "ACTIVE SHUTOFF", "VERIFY_RESIZE", "RESIZE"),
    "migrate": _verb("migrate", "ACTIVE SHUTOFF", "VERIFY_RESIZE", "RESIZE"),
    "confirmResize": _verb("confirmResize", "VERIFY_RESIZE", None),
    "revertResize": _verb("revertResize", "VERIFY_RESIZE", None, "REVERT_RESIZE"),
    "failToResize": _verb("resize", "ACTIVE SHUTOFF", None, "RESIZE", failed=True),
    "failToSuspend": _verb("suspend", "ACTIVE", None, failed=True),
    "fail": _verb("reboot", "ACTIVE", "ERROR", "REBOOT", failed=True),
    "delete": _verb("delete", LIVING, "DELETED"),
    # Where reclaim_instance_interval is set: it can be restored, and Nova deletes it some day without an action.
    "softDelete": _verb("delete", LIVING, "SOFT_DELETED"),
    "restore": _verb("restore", "SOFT_DELETED", "ACTIVE"),
    "forceDelete": _verb("forceDelete", "SOFT_DELETED", "DELETED"),
    "reclaim": _verb(None, "SOFT_DELETED", "DELETED"),
    # Metadata, a name, a lock: the row changes, and nothing that counts.
    "touch": _verb(None, LIVING, None),
}
LAUNCHES = frozenset({"resize", "revertResize", "migrate", "rebuild", "unshelve"})
"""What moves launched_at."""
