"""Checkpoints: they move on, and never back."""

from __future__ import annotations

import pytest

from caso.store import Checkpoint
from tests.unit.store.building import HERE, HOUR, NOVA, NOW


def advance(store, until, **facts):
    with store.transaction() as step:
        step.checkpoints.advance(NOVA, until, **facts)


def test_an_unknown_scope_has_none(store):
    assert store.checkpoints.get(NOVA) is None


def test_the_first_advance_makes_it_with_the_facts_of_its_beginning(store):
    advance(store, NOW, since=NOW - 2 * HOUR, opening=NOW - HOUR, vo="vo")

    assert store.checkpoints.get(NOVA) == Checkpoint(NOVA, NOW - 2 * HOUR, NOW - HOUR, NOW, "vo", None)
    assert NOVA.place == HERE


def test_later_advances_keep_the_facts_of_the_beginning(store):
    advance(store, NOW, since=NOW - 2 * HOUR, opening=NOW - HOUR, vo="vo")

    advance(store, NOW + HOUR, since=NOW, opening=NOW)

    assert store.checkpoints.get(NOVA) == Checkpoint(NOVA, NOW - 2 * HOUR, NOW - HOUR, NOW + HOUR, "vo", None)


def test_the_vo_is_the_newest_one_told(store):
    advance(store, NOW, vo="old")

    advance(store, NOW, vo="new")

    assert store.checkpoints.get(NOVA).vo == "new"


def test_it_never_moves_back(store):
    advance(store, NOW)

    with pytest.raises(ValueError, match="cannot go back"):
        advance(store, NOW - HOUR)

    assert store.checkpoints.get(NOVA).until == NOW


def test_a_retired_scope_keeps_its_checkpoint_and_may_come_back(store):
    advance(store, NOW)
    with store.transaction() as step:
        step.checkpoints.retire(NOVA, NOW + HOUR)
    assert [(one.until, one.retired) for one in store.checkpoints.all()] == [(NOW, NOW + HOUR)]

    advance(store, NOW + 2 * HOUR)

    assert store.checkpoints.get(NOVA).retired is None


def test_extractors_of_a_project_have_checkpoints_of_their_own(store):
    cinder = NOVA._replace(extractor="cinder")
    advance(store, NOW)
    with store.transaction() as step:
        step.checkpoints.advance(cinder, NOW + HOUR)

    assert [(one.scope, one.until) for one in store.checkpoints.all()] == [(cinder, NOW + HOUR), (NOVA, NOW)]
