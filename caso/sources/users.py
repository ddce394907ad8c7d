"""The names of users, found with few requests, however many users there are."""

from __future__ import annotations

import logging
import threading

from caso.errors import SourceError
from caso.sources.api import Api, MissingError, Scope
from caso.sources.identity import PAGED, Identity
from caso.sources.paging import follow
from caso.sources.rows import text_or_none

LOG = logging.getLogger(__name__)

MAX_LOOKUPS = 100


class Users:
    """Names by user id: one listing a run, asked for with the first name, then at most ``max_lookups`` single ones.

    A name is a convenience of a record: whatever fails here is told once, and the name is None.
    """

    def __init__(self, identity: Identity, *, max_lookups: int = MAX_LOOKUPS) -> None:
        self._identity = identity
        self._lock = threading.Lock()
        self._names: dict[str, str | None] | None = None
        self._lookups_left = max_lookups

    def name(self, user_id: str | None) -> str | None:
        """None for a user that Keystone no longer has, or does not show."""
        if not user_id:
            return None
        with self._lock:
            names = self._listed()
            if user_id not in names:
                names[user_id] = self._look_up(user_id)
            return names[user_id]

    def list(self) -> None:
        """Ask for all of them, as the first name does."""
        with self._lock:
            self._listed()

    def _listed(self) -> dict[str, str | None]:
        if self._names is None:
            self._names = {}
            self._list(self._names)
        return self._names

    def _list(self, names: dict[str, str | None]) -> None:
        """Fill in whom the widest listing shows, and stop single lookups where it shows everyone."""
        try:
            (found, truncated), scope = self._identity.widest(_everyone)
        except SourceError as exc:
            LOG.info("names of users are looked up one by one: %s", exc)
            return
        names.update(found)
        # A token of a project shows the users of one domain where domains have drivers of their own; a system's shows all.
        if scope is Scope.SYSTEM and not truncated:
            self._lookups_left = 0

    def _look_up(self, user_id: str) -> str | None:
        if self._lookups_left <= 0:
            return None
        self._lookups_left -= 1
        try:
            body, _ = self._identity.widest(lambda api: api.get(f"/users/{user_id}", to=f"show user {user_id}"))
        except MissingError:
            return None
        except SourceError as exc:
            self._lookups_left = 0
            # Not a fault: APEL takes a record without a name, and a site may not want to give the role.
            LOG.info("records lack names of users; give the role reader on the system for them: %s", exc)
            return None
        return _name(body.get("user"))


def _everyone(api: Api) -> tuple[dict[str, str | None], bool]:
    """The names of all users that are shown, and whether the list was cut off."""
    pages = list(follow(api, "/users", "users", PAGED, to="list users"))
    names = {str(user.get("id")): _name(user) for page in pages for user in page.rows}
    return names, any(page.truncated for page in pages)


def _name(user: object) -> str | None:
    return text_or_none(user.get("name")) if isinstance(user, dict) else None
