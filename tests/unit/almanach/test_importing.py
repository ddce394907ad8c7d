"""Exports of Almanach moved into a real store: what is known then, what is said, and that doing it again changes nothing."""

import dataclasses
import io
import random
import tracemalloc
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from caso.almanach.documents import Oddity
from caso.almanach.flavors import FlavorBook
from caso.almanach.importing import BY, File, Unread, move_in
from caso.almanach.rows import Mended
from caso.errors import ConfigError, SourceError
from caso.lifecycle.notes import What
from caso.lifecycle.notice import VolumeType
from caso.lifecycle.server import Benchmark, Flavor
from caso.store import Place, Scope, open_store
from caso.store.schema import entities, volume_types
from caso.testing.entities import seen_server, seen_volume
from tests.unit.almanach.database import a_file, exported, instance, minutes, volume

PLACE = Place("", "RegionOne")
NOW = datetime(2016, 2, 1, tzinfo=UTC)
SMALL, LARGE = Flavor("small", 1, 2048, 20), Flavor("large", 8, 16384, 160)
FLAVORS = {"small": SMALL, "large": LARGE}
KEPT = [
    instance(minutes(0), minutes(60), image_meta={"distro": "ubuntu"}, metadata={"a": "b"}),
    instance(minutes(60), flavor="large", name="web2", image_meta={"distro": "debian"}, metadata={"a": "b"}),
    instance(minutes(0), minutes(9), entity_id="s2"),
    volume(minutes(0), minutes(30)),
    volume(minutes(30), attached_to=["s1"], size="20", last_event=minutes(45)),
    {"volume_type_id": "t1", "volume_type_name": "fast"},
]


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path / 'caso.sqlite'}") as opened:
        yield opened


def moved_in(store, *documents, ask=FLAVORS.get, tell=pytest.fail):
    return move_in([a_file(documents)], store, PLACE, FlavorBook(store, ask), tell)


def known(store, kind, thing):
    return store.known(PLACE, kind, [thing])[thing]


def contents(store):
    """All that is known, but for when it was."""
    with store.database.read() as connection:
        return [connection.execute(select(table).order_by(*table.primary_key)).all() for table in (entities, volume_types)]


def intervals(one):
    return [(interval.start, interval.end, interval.value) for interval in one.intervals()]


def test_a_server_has_the_flavors_of_its_rows_since_they_start(store):
    moved_in(store, *KEPT)

    one = known(store, "server", "s1")
    assert [(start, end, value.flavor) for start, end, value in intervals(one)] == [
        (minutes(0), minutes(60), SMALL),
        (minutes(60), None, LARGE),
    ]
    assert (one.name, one.created, one.ended, one.project_id) == ("web2", minutes(0), None, "p1")


def test_a_volume_has_the_sizes_of_its_rows_and_was_seen_last_when_it_last_changed(store):
    moved_in(store, *KEPT)

    one = known(store, "volume", "v1")
    assert [(start, end, value.size_gib, value.type) for start, end, value in intervals(one)] == [
        (minutes(0), minutes(30), 10, "fast"),
        (minutes(30), None, 20, "fast"),
    ]
    assert (one.server_ids, one.known_at) == (("s1",), minutes(45))


def test_what_is_not_billed_is_noted_where_it_changes(store):
    moved_in(store, *KEPT)

    notes = [
        (note.at, note.what, note.value)
        for kind, thing in (("server", "s1"), ("volume", "v1"))
        for note in known(store, kind, thing).notes
    ]
    assert notes == [
        (minutes(0), What.IMAGE_META, {"distro": "ubuntu"}),
        (minutes(0), What.METADATA, {"a": "b"}),
        (minutes(0), What.NAME, "web"),
        (minutes(60), What.IMAGE_META, {"distro": "debian"}),
        (minutes(60), What.NAME, "web2"),
        (minutes(0), What.NAME, "data"),
        (minutes(30), What.ATTACHED_TO, ["s1"]),
        (minutes(45), What.ATTACHED_TO, ["s1"]),
    ]


def test_the_summary_counts_rows_and_what_they_make(store):
    summary = moved_in(store, *KEPT, KEPT[2], {"volume_type_id": "t1", "volume_type_name": "slow"})

    assert summary.rows == {"server": 4, "volume": 2}
    assert (summary.types, summary.types_repeated, summary.lines, summary.broken) == (1, 1, 8, 0)
    assert summary.lives == {("server", "new"): 2, ("volume", "new"): 1}
    assert summary.living == {"server": 1, "volume": 1}
    assert summary.mended == {Mended.REPEATED: 1}
    assert store.volume_types.names(PLACE) == {"t1": "fast"}


def test_moving_in_again_changes_nothing(store):
    moved_in(store, *KEPT)
    before = contents(store)

    summary = moved_in(store, *KEPT)

    assert contents(store) == before
    assert summary.lives == {("server", "same"): 2, ("volume", "same"): 1}


def test_lines_in_any_order_and_many_files_make_the_same(store, tmp_path):
    moved_in(store, *KEPT)
    lines = exported(KEPT)
    random.Random(7).shuffle(lines)
    files = [File(str(number), io.BytesIO(line)) for number, line in enumerate(lines)]

    with open_store(f"sqlite:///{tmp_path / 'other.sqlite'}") as other:
        move_in(files, other, PLACE, FlavorBook(other, FLAVORS.get), pytest.fail)

        assert contents(other) == contents(store)


def test_a_name_of_a_volume_type_that_somebody_else_told_is_better(store):
    store.volume_types.put(PLACE, [VolumeType("t1", "renamed", minutes(0), deleted=True)])

    moved_in(store, *KEPT)

    assert store.volume_types.all(PLACE) == [VolumeType("t1", "renamed", minutes(0), deleted=True)]


def test_a_living_one_that_a_full_listing_lacks_ends_where_almanach_was_last_told_of_it(store):
    moved_in(store, *KEPT)

    for kind, extractor in (("server", "nova"), ("volume", "cinder")):
        scope = Scope(*PLACE, "p1", extractor)
        store.vanish(scope, seen_since=NOW, at=NOW, reason="it was not there", kind=kind, tellers=[extractor])

    assert (known(store, "server", "s1").ended, known(store, "volume", "v1").ended) == (minutes(60), minutes(45))
    assert known(store, "server", "s2").ended == minutes(9)


def test_a_listing_that_still_has_what_almanach_took_for_deleted_counts_more(store):
    moved_in(store, *KEPT)

    store.observe(PLACE, [seen_server(uuid="s2", at=NOW, created=minutes(0), flavor=SMALL)], by="nova")

    assert known(store, "server", "s2").ended is None


def test_what_ended_since_stays_ended_when_an_old_export_is_moved_in_again(store):
    moved_in(store, *KEPT)
    store.observe(PLACE, [seen_server(uuid="s1", at=NOW, created=minutes(0), ended=minutes(99), flavor=LARGE)], by="nova")

    moved_in(store, *KEPT)

    assert known(store, "server", "s1").ended == minutes(99)


def test_what_others_told_that_almanach_never_knew_is_kept(store):
    store.observe(PLACE, [seen_server(uuid="s1", at=minutes(5), created=minutes(0), user_name="alice", flavor=SMALL)], by="nova")
    store.observe(
        PLACE, [dataclasses.replace(seen_volume(uuid="v1", at=minutes(5), created=minutes(0)), status="in-use")], by="cinder"
    )

    moved_in(store, *KEPT)

    server, disk = known(store, "server", "s1"), known(store, "volume", "v1")
    assert (server.name, server.user_id, server.user_name, server.image_id) == ("web2", "user-1", "alice", "image-1")
    assert (disk.status, disk.user_name, disk.server_ids) == ("in-use", "alice", ("s1",))


def test_a_flavor_that_a_server_in_the_store_has_is_taken_before_nova_is_asked(store):
    rich = dataclasses.replace(SMALL, benchmark=Benchmark("hepscore", 9.0))
    store.observe(PLACE, [seen_server(uuid="other", at=NOW, flavor=rich)], by="nova")

    moved_in(store, *KEPT[2:3], ask=lambda name: pytest.fail("Nova was asked"))

    assert intervals(known(store, "server", "s2"))[0][2].flavor == rich


def test_a_server_named_as_a_flavor_has_not_that_flavor(store):
    store.observe(PLACE, [seen_server(uuid="other", at=NOW, name="small", flavor=LARGE)], by="nova")

    moved_in(store, *KEPT[2:3])

    assert intervals(known(store, "server", "s2"))[0][2].flavor == SMALL


def test_a_flavor_that_nobody_knows_is_known_by_name_only_until_somebody_tells(store):
    summary = moved_in(store, *KEPT, ask=lambda name: SMALL if name == "small" else None)

    assert (summary.by_name_only, summary.flavors_by_name_only) == (1, ["large"])
    assert intervals(known(store, "server", "s1"))[1][2].flavor == Flavor("large", 0, 0, 0)

    again = moved_in(store, *KEPT)

    assert (again.by_name_only, again.lives["server", "changed"]) == (0, 1)
    assert intervals(known(store, "server", "s1"))[1][2].flavor == LARGE


def test_a_flavor_of_today_does_not_change_what_is_known_of_a_server_already(store):
    moved_in(store, *KEPT)

    summary = moved_in(store, *KEPT, ask=lambda name: dataclasses.replace(FLAVORS[name], vcpus=64))

    assert summary.lives == {("server", "same"): 2, ("volume", "same"): 1}


def test_a_server_that_makes_records_goes_on_where_the_size_of_an_older_flavor_is_not_known(store):
    store.observe(
        PLACE, [seen_server(uuid="s1", at=NOW, created=minutes(0), unchanged_since=minutes(60), flavor=LARGE)], by="nova"
    )

    summary = moved_in(store, *KEPT, ask=lambda name: None)

    assert {value.flavor for _, _, value in intervals(known(store, "server", "s1"))} == {LARGE}
    assert summary.flavors_by_name_only == ["small"]


def test_a_nova_that_does_not_answer_is_asked_for_each_flavor_and_told_of_at_the_end(store):
    def ask(name):
        raise SourceError("nova: cannot list flavors")

    flavors = FlavorBook(store, ask)
    summary = move_in([a_file(KEPT)], store, PLACE, flavors, pytest.fail)

    assert str(flavors.trouble) == "nova: cannot list flavors"
    assert summary.by_name_only == 2


def test_lines_that_say_nothing_are_told_by_file_and_number_and_lose_nothing_else(store):
    told = []
    one, *others = exported([*KEPT[:2], instance(minutes(0), flavor=None), *KEPT[2:]])
    file = File("e.json", io.BytesIO(b"\xef\xbb\xbf" + one + b"\n{\n" + b"".join(others)))

    summary = move_in([file], store, PLACE, FlavorBook(store, FLAVORS.get), told.append)

    assert [sentence.partition(": ")[0] for sentence in told] == ["e.json, line 3", "e.json, line 5"]
    assert (summary.broken, summary.lines, summary.lives) == (2, 8, {("server", "new"): 2, ("volume", "new"): 1})


def test_a_line_without_an_end_is_read_in_part_and_left_out(store, monkeypatch):
    monkeypatch.setattr("caso.almanach.importing.LONGEST_LINE", 1000)
    told = []
    file = File("e.json", io.BytesIO(b"[" + b" " * 5000 + b"]\n" + exported(KEPT)[0]))

    summary = move_in([file], store, PLACE, FlavorBook(store, FLAVORS.get), told.append)

    assert told == ["e.json, line 1: it is longer than any document; export without --jsonArray"]
    assert (summary.lines, summary.rows["server"]) == (2, 1)


def test_fields_that_nobody_knows_are_told_once_each_and_the_row_counts(store):
    summary = moved_in(store, KEPT[5], instance(minutes(0), colour="red"), instance(minutes(5), colour="red", shape="round"))

    assert summary.unread == {"colour": Unread("entity.json, line 2", 2), "shape": Unread("entity.json, line 3", 1)}
    assert summary.lives["server", "new"] == 1


def test_what_is_read_otherwise_than_it_stands_there_is_counted(store):
    old = volume(minutes(0), attached_to="s1")
    del old["processed"]

    assert moved_in(store, old, old).oddities == {Oddity.ATTACHED: 2, Oddity.UNPROCESSED: 2}


def test_a_file_that_fails_in_the_middle_changes_nothing(store):
    class Failing(io.BytesIO):
        def readline(self, size=-1):
            line = super().readline(size)
            if not line:
                raise OSError(5, "Input/output error")
            return line

    file = File("e.json", Failing(b"".join(exported(KEPT))))

    with pytest.raises(ConfigError, match=r"cannot read e\.json: Input/output error; nothing was changed"):
        move_in([file], store, PLACE, FlavorBook(store, FLAVORS.get), pytest.fail)

    assert store.lives.counts() == (0, 0)


def test_who_told_of_it_is_no_extractor(store):
    moved_in(store, *KEPT)

    with store.database.read() as connection:
        assert set(connection.scalars(select(entities.c.told_by))) == {f" {BY} "}


def peak_of(store, count):
    """The most memory that was held while so many servers of two rows each were moved in."""

    class Endless(io.RawIOBase):
        def __init__(self):
            self.lines = (line for part in (1, 2) for number in range(count) for line in exported([row_of(number, part)]))

        def readline(self, size=-1):
            return next(self.lines, b"")

    tracemalloc.start()
    try:
        summary = move_in([File("e.json", Endless())], store, PLACE, FlavorBook(store, FLAVORS.get), pytest.fail)
        assert summary.rows["server"] == 2 * count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def row_of(number, part):
    uuid = f"{number:08}-0000-4000-8000-000000000000"
    return instance(minutes(0), minutes(5), entity_id=uuid) if part == 1 else instance(minutes(5), entity_id=uuid, flavor="large")


def test_memory_does_not_grow_with_the_file_and_rows_of_a_resource_may_be_far_apart(store, monkeypatch):
    for name in ("importing", "staging"):
        monkeypatch.setattr(f"caso.almanach.{name}.AT_A_TIME", 20)

    few, many = peak_of(store, 60), peak_of(store, 480)

    # All that is kept of what was read would make it eight times as much.
    assert many < few * 2
