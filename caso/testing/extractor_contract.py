"""The laws of extractors, as tests that the author of one runs over it.

Name the class ``Test...``, say which extractor it is, and pytest does the rest::

    class TestMine(ExtractorContract):
        extractor = MyExtractor

The cloud it is run in is :meth:`ExtractorContract.sources`; an extractor that asks other services overrides it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from oslo_config import cfg

from caso import plugins
from caso.errors import SourceError
from caso.extractors.base import NOTHING, Ask, CannotShareError, Extractor, Memory, Page, Seen
from caso.extractors.checking import faults
from caso.lifecycle.address import AddressSeen
from caso.lifecycle.server import ServerSeen
from caso.lifecycle.volume import VolumeSeen
from caso.records import Record
from caso.sources import Sources
from caso.store.kinds import KINDS
from caso.testing.memory import Remembered
from caso.testing.networks import FakeNetwork, a_floating_ip, a_port, a_router
from caso.testing.servers import FakeCompute, a_partial_server, a_server
from caso.testing.sources import REGION, FakeIdentity, FakeImage, fake_sources
from caso.testing.volumes import FakeVolume, a_volume
from caso.window import Window

MINE, YOURS, THEIRS = "project-mine", "project-yours", "project-theirs"
WINDOW = Window.parse("2024-03-01", "2024-03-02")
NOW = datetime(2024, 3, 2, 0, 5, tzinfo=UTC)

ENDED_BEFORE = {"status": "DELETED", "updated": "2024-02-20T00:00:00Z", "OS-SRV-USG:terminated_at": "2024-02-20T00:00:00"}
ENDED_INSIDE = {"status": "DELETED", "updated": "2024-03-01T12:00:00Z", "OS-SRV-USG:terminated_at": "2024-03-01T12:00:00"}


class ExtractorContract:
    """What every extractor keeps to; see caso.extractors.base for the reasons.

    ``settings`` are the values of those options that have no default. ``ended_before`` are the ids of objects of the
    cloud that ended before WINDOW, ``ended_inside`` of those that ended in it; empty where the service tells of none that ended.

    An extractor that names classes in ``makes`` may tell of records instead of observations.
    """

    extractor: ClassVar[type[Extractor]]
    settings: ClassVar[Mapping[str, Any]] = {}
    ended_before: ClassVar[frozenset[str]] = frozenset({f"{MINE}-before", f"{YOURS}-before"})
    ended_inside: ClassVar[frozenset[str]] = frozenset({f"{MINE}-inside", f"{YOURS}-inside"})

    def sources(self, *, may_list_all: bool = True, fail_on_request: int | None = None, hidden: str | None = None) -> Sources:
        """A cloud with objects of MINE, YOURS and THEIRS, the same at each call, whose clock stands at NOW.

        ``may_list_all``: the user sees all projects at once. ``fail_on_request``: the number of the request that fails.
        ``hidden``: a project of whose objects some cannot be seen.
        """
        servers = [
            a_server(f"{project}-{name}", project, **changes)
            for project in (MINE, YOURS, THEIRS)
            for name, changes in (("alive", {}), ("before", ENDED_BEFORE), ("inside", ENDED_INSIDE), ("odd", {"created": "?"}))
        ]
        servers += [a_partial_server("hidden", hidden)] if hidden else []
        everyone = [(project, name) for project in (MINE, YOURS, THEIRS) for name in ("one", "two")]
        odd = {"created_at": "?"}
        volumes = [a_volume(f"{project}-{name}", project) for project, name in everyone]
        floating = [a_floating_ip(f"{project}-{name}", project) for project, name in everyone]
        ports = [a_port(f"{project}-{name}", project, "2001:db8::5", "10.0.0.5") for project, name in everyone]
        routers = [a_router(f"{project}-{name}", project) for project, name in everyone]
        return fake_sources(
            compute=FakeCompute(servers, page_size=100, admin=may_list_all),
            volume=FakeVolume([*volumes, a_volume("odd", MINE, **odd)], page_size=100, admin=may_list_all),
            network=FakeNetwork(
                [*floating, a_floating_ip("odd", MINE, **odd)], ports, routers, page_size=100, admin=may_list_all
            ),
            identity=FakeIdentity(users={"user-1": "Ada"}),
            image=FakeImage(),
            clock=lambda: NOW,
            fail_on_request=fail_on_request,
        )

    def make(self, sources: Sources) -> Extractor:
        """The extractor as a run makes it: from a configuration with nothing but ``settings`` in it."""
        conf = cfg.ConfigOpts()
        for group, options in plugins.options_of({"mine": self.extractor}):
            conf.register_opts(options, group=group)
        conf.register_group(cfg.OptGroup("mine"))
        conf([], default_config_files=[], default_config_dirs=[])
        for name, value in self.settings.items():
            conf.set_override(name, value, group="mine")
        shared = {group: conf[group] for group in self.extractor.shared_options}
        return self.extractor.from_conf(conf.mine, sources, **shared)

    def pages(self, *project_ids: str, memory: Memory = NOTHING, **cloud: Any) -> list[Page]:
        """All pages for these projects, asked for together and, where that cannot be, alone."""
        extractor = self.make(self.sources(**cloud))
        asked = dataclasses.replace(_ask(*project_ids), memory=memory)
        try:
            return list(extractor.extract(asked))
        except CannotShareError:
            return [page for ask in asked.alone() for page in extractor.extract(ask)]

    def test_options_are_declared_on_the_class_and_say_what_they_do(self) -> None:
        declared = [*self.extractor.options, *(option for group in self.extractor.shared_options.values() for option in group)]

        assert all(option.help for option in declared)

    def test_it_is_made_from_a_configuration_that_only_has_defaults_and_asks_nothing_yet(self) -> None:
        sources = self.sources(fail_on_request=1)

        assert isinstance(self.make(sources), Extractor)

    def test_only_projects_that_are_asked_for_are_told_of(self) -> None:
        pages = self.pages(MINE, YOURS)

        assert {seen.project_id for page in pages for seen in page.seen} <= {MINE, YOURS}
        assert {odd.project_id for page in pages for odd in page.odd} <= {MINE, YOURS, None}
        assert {project for page in pages for project in page.unfinished} <= {MINE, YOURS}

    def test_what_ended_in_the_window_is_told_and_what_ended_before_it_is_not(self) -> None:
        told = {id_of(seen) for page in self.pages(MINE, YOURS) for seen in page.seen}

        assert told or self.extractor.makes, "it tells of nothing: does its source have objects of MINE and YOURS?"
        assert told >= self.ended_inside
        assert not told & self.ended_before

    def test_times_are_aware_and_no_observation_is_later_than_the_answer(self) -> None:
        for seen in _seen(self.pages(MINE, YOURS)):
            assert seen.seen_at.tzinfo is not None
            assert seen.created.tzinfo is not None
            assert seen.unchanged_since.tzinfo is not None
            assert seen.unchanged_since <= seen.seen_at <= NOW

    def test_asking_together_and_alone_tells_the_same(self) -> None:
        together = self.pages(MINE, YOURS)
        alone = [*self.pages(MINE), *self.pages(YOURS)]
        refused = self.pages(MINE, YOURS, may_list_all=False)

        assert _seen(together) == _seen(alone) == _seen(refused)
        assert _records(together) == _records(alone) == _records(refused)

    def test_asking_again_tells_the_same(self) -> None:
        assert _seen(self.pages(MINE, YOURS)) == _seen(self.pages(MINE, YOURS))
        assert _records(self.pages(MINE, YOURS)) == _records(self.pages(MINE, YOURS))

    @pytest.mark.parametrize("remembers", [False, True])
    def test_all_that_it_tells_can_be_kept(self, remembers: bool) -> None:
        before = [_as_it_was(seen) for seen in _seen(self.pages(MINE, YOURS))] if remembers else []
        pages = self.pages(MINE, YOURS, memory=Remembered.of(before))

        assert [fault for page in pages for fault in faults(self.extractor, page)] == []

    def test_what_is_remembered_makes_it_know_no_less(self) -> None:
        told = _seen(self.pages(MINE, YOURS))
        before = [_as_it_was(seen) for seen in told]

        told_again = _seen(self.pages(MINE, YOURS, memory=Remembered.of(before)))

        assert _now([*before, *told_again]) == _now([*before, *told])

    def test_its_records_come_out_of_the_store_as_they_went_in_and_tell_of_no_time_after_the_window(self) -> None:
        records = _records(self.pages(MINE, YOURS))

        assert records or not self.extractor.makes, "it makes no record: does its source have something for MINE and YOURS?"
        for record in records.values():
            kept = json.loads(json.dumps(record.content()))
            assert type(record).from_content(kept, record.known_at) == record
            assert record.neutral(None).key == record.key
            assert record.measured_at <= WINDOW.end
            assert record.known_at <= NOW

    def test_an_odd_object_is_quarantined_with_its_reason_and_the_others_are_told(self) -> None:
        pages = self.pages(MINE)

        assert _seen(pages) or _records(pages), "one object that makes no sense cost all the others"
        assert any(page.odd for page in pages), "an object that makes no sense is told of nowhere: does its source have one?"
        assert all(odd.reason and odd.kind for page in pages for odd in page.odd)

    def test_a_project_of_which_something_is_hidden_is_unfinished_and_no_other(self) -> None:
        pages = self.pages(MINE, YOURS, hidden=MINE)

        assert {project for page in pages for project in page.unfinished} <= {MINE}
        assert "hidden" not in {id_of(seen) for seen in _seen(pages)}

    @pytest.mark.parametrize("number", range(1, 13))
    def test_a_failure_is_a_source_error_and_what_was_told_before_stays_true(self, number: int) -> None:
        whole = _seen(self.pages(MINE))
        told: list[Page] = []

        try:
            told.extend(self.make(self.sources(fail_on_request=number)).extract(_ask(MINE)))
        except SourceError:
            assert _told_before(told) <= _told_before([Page(seen=tuple(whole))])
        else:
            assert _told_before(told) == _told_before([Page(seen=tuple(whole))])

    def test_asked_for_no_project_it_tells_nothing(self) -> None:
        assert _seen(list(self.make(self.sources()).extract(Ask(REGION, {})))) == []


def _ask(*project_ids: str) -> Ask:
    return Ask(REGION, dict.fromkeys(project_ids, WINDOW), {project_id: f"name of {project_id}" for project_id in project_ids})


def id_of(seen: Seen) -> str:
    """The id of what was seen, whatever its kind."""
    return seen.id if isinstance(seen, AddressSeen) else seen.uuid


def _seen(pages: Iterable[Page]) -> list[Seen]:
    """Every observation once, in an order of its own: that of pages means nothing."""
    return sorted({seen for page in pages for seen in page.seen}, key=lambda seen: (id_of(seen), repr(seen)))


def _as_it_was(seen: Seen) -> Seen:
    """As it may have been seen when the window began: alive, and a server in another state."""
    was = dataclasses.replace(seen, seen_at=max(seen.created, WINDOW.start), unchanged_since=seen.created, ended=None)
    if isinstance(was, ServerSeen):
        return dataclasses.replace(was, state=dataclasses.replace(was.state, status="SUSPENDED"), told=())
    return was


def _now(seen: Sequence[Seen]) -> dict[str, tuple[Any, datetime | None]]:
    """What each thing is by all that was seen of it, and its end."""
    memory = Remembered.of(seen)
    lives = [life for kind in KINDS for life in memory.known(kind, {id_of(one) for one in seen}).items()]
    return {thing_id: (life.intervals()[-1].value, life.ended) for thing_id, life in lives}


def _records(pages: Iterable[Page]) -> dict[str, Record]:
    """Records by their keys."""
    return {record.key: record for page in pages for record in page.records}


def _told_before(pages: Iterable[Page]) -> set[Seen]:
    # Names are a convenience: where their listing failed they are left out, and the observation is true without.
    return {_without_names(seen) for page in pages for seen in page.seen}


def _without_names(seen: Seen) -> Seen:
    if isinstance(seen, ServerSeen):
        return dataclasses.replace(seen, user_name=None, image_id=None, image_name=None)
    return dataclasses.replace(seen, user_name=None) if isinstance(seen, VolumeSeen) else seen
