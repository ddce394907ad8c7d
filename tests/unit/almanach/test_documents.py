"""What a line of mongoexport says, in all notations and of both generations of Almanach."""

import json

import pytest

from caso.almanach.documents import BrokenError, Oddity, Row, TypeRow, read
from tests.unit.almanach.database import exported, instance, minutes, volume

NOON_IN_MS = 1451649600000


def line(document):
    return json.dumps(document).encode()


def a_document(**changes):
    (text,) = exported([instance(minutes(0))])
    return {**json.loads(text), **changes}


@pytest.mark.parametrize(
    "date",
    [
        {"$date": "2016-01-01T12:00:00Z"},
        {"$date": "2016-01-01T12:00:00.000Z"},
        {"$date": "2016-01-01T12:00:00.000+0000"},
        {"$date": "2016-01-01T14:00:00.000+02:00"},
        {"$date": NOON_IN_MS},
        {"$date": {"$numberLong": str(NOON_IN_MS)}},
        "2016-01-01 12:00:00+00:00",
        "2016-01-01T12:00:00",
    ],
    ids=str,
)
def test_a_date_is_read_in_each_notation(date):
    assert read(line(a_document(start=date))).row.start == minutes(0)


def test_milliseconds_are_kept():
    row = read(line(a_document(end={"$date": "2016-01-01T12:00:00.123Z"}))).row

    assert row.end.microsecond == 123000


def test_an_instance_of_almanach_4_is_a_row():
    document = instance(minutes(0), minutes(5), image_meta={"distro": "ubuntu"}, os={"distro": "x"}, metadata={"a": 1})

    found = read(*exported([document]))

    row = Row("server", "s1", "p1", minutes(0), minutes(5), minutes(5), "web", "small")
    assert found == (row._replace(image_meta='{"distro": "ubuntu"}', metadata='{"a": 1}'), frozenset(), ())


def test_a_volume_of_almanach_4_is_a_row():
    found = read(*exported([volume(minutes(0), attached_to=["i1", "i2", "i1"], _id={"$oid": "5a"})]))

    row = Row("volume", "v1", "p1", minutes(0), None, minutes(0), "data", size_gib=10, type="fast", attached_to='["i1", "i2"]')
    assert found == (row, frozenset(), ())


def test_an_instance_of_almanach_3_is_the_row_that_it_is_in_almanach_4():
    now = instance(minutes(0), image_meta={"os.distro": "ubuntu"}, metadata={"a.b": {"c.d": "e"}})
    old = instance(minutes(0), os={"os^distro": "ubuntu"}, metadata={"a^b": {"c^d": "e"}})
    for name in ("processed", "image_meta"):
        del old[name]

    three, four = (read(*exported([document])) for document in (old, now))

    assert three.row == four.row
    assert three.oddities == {Oddity.UNPROCESSED, Oddity.OS, Oddity.CARET}


def test_the_canonical_notation_says_the_same_as_the_relaxed_one():
    canonical = volume(minutes(0), size={"$numberInt": "10"}, attached_to=[])

    assert read(*exported([canonical])).row == read(*exported([volume(minutes(0))])).row


@pytest.mark.parametrize(
    ("attached", "meant"), [("", []), ("i1", ["i1"]), (None, []), (["i1", None], ["i1"])], ids=["empty", "one", "null", "a hole"]
)
def test_attachments_are_read_as_almanachs_documents_have_them(attached, meant):
    found = read(*exported([volume(minutes(0), attached_to=attached)]))

    assert json.loads(found.row.attached_to) == meant
    assert found.oddities == (frozenset() if isinstance(attached, list) else {Oddity.ATTACHED})


@pytest.mark.parametrize("size", ["10", 10.0, {"$numberLong": "10"}])
def test_a_size_is_a_number_however_it_was_sent(size):
    assert read(*exported([volume(minutes(0), size=size)])).row.size_gib == 10


def test_a_row_without_its_type_is_told_by_its_fields():
    documents = [instance(minutes(0)), volume(minutes(0))]
    for document in documents:
        del document["entity_type"]

    kinds = [read(text).row.kind for text in exported(documents)]

    assert kinds == ["server", "volume"]


def test_a_volume_type_is_told_by_its_fields():
    found = read(line({"_id": {"$oid": "5a"}, "volume_type_id": "t1", "volume_type_name": "fast", "colour": "red"}))

    assert found == (TypeRow("t1", "fast"), frozenset(), ("colour",))


def test_a_name_may_be_whatever_the_api_took_for_one():
    names = [read(*exported([instance(minutes(0), name=name)])).row.name for name in (None, 5, "\ud800")]

    assert names == [None, "5", "?"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"{", "it is no JSON of mongoexport, one document to a line: Expecting property name"),
        (b"\xff", "it is no JSON"),
        (b"[" * 200_000, "it is nested too deeply"),
        (b"[{}]", "it is no document; export without --jsonArray and --pretty"),
        (b"7", "it is no document"),
        (b"{}", "it is neither an instance, nor a volume, nor a volume type (entity_type None)"),
        (b'{"entity_type": {}}', "it is neither an instance"),
        (b'{"entity_type": "snapshot"}', "(entity_type 'snapshot')"),
        (b'{"start": {"$date": "noon"}}', "'noon' is no date"),
        (b'{"start": {"$date": null}}', "None is no date"),
        (b'{"start": {"$date": 1e300}}', "1e+300 is no date"),
        (b'{"start": {"$date": 99999999999999999999}}', "99999999999999999999 is no date"),
        (b'{"size": {"$numberLong": null}}', "it is no JSON of mongoexport"),
        (b'{"volume_type_id": "a"}', "volume_type_name: Field required"),
    ],
)
def test_what_says_nothing_is_told_with_its_reason(text, why):
    with pytest.raises(BrokenError) as caught:
        read(text)

    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"entity_id": ""}, "entity_id: String should have at least 1 character"),
        ({"entity_id": "x" * 256}, "entity_id: String should have at most 255 characters"),
        ({"project_id": None}, "project_id: Input should be a valid string"),
        ({"flavor": None}, "flavor: Input should be a valid string"),
        ({"start": None}, "start: Input should be a valid datetime"),
        ({"start": {"$date": -1}}, "start: Value error, it is before 1970 or after 9000"),
        ({"end": {"$date": "9999-12-31T00:00:00Z"}}, "end: Value error, it is before 1970 or after 9000"),
        ({"metadata": "none"}, "metadata: Input should be a valid dictionary"),
    ],
    ids=str,
)
def test_a_row_without_what_counts_is_told_with_its_reason(changes, why):
    with pytest.raises(BrokenError) as caught:
        read(line(a_document(**changes)))

    assert why in str(caught.value)


def test_numbers_that_are_none_are_nothing():
    text = line(a_document(metadata={"a": 1})).replace(b'{"a": 1}', b'{"a": NaN, "b": {"$numberDouble": "Infinity"}}')

    assert json.loads(read(text).row.metadata) == {"a": None, "b": None}
