"""The rules of the ledger hold in any order of events: they are pure, so they are tried often."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from caso.records import CloudRecord, Record
from caso.store import Statement
from caso.store.book import Book, record_of
from tests.unit.store.building import FEBRUARY, HOUR, JANUARY, MARCH, NOW, a_record, a_statement

MONTHS = (JANUARY, FEBRUARY, MARCH)
KINDS = {"cloud": CloudRecord}


def a_book(offered: Iterable[Record] = ()) -> Book:
    """An empty ledger, or one whose records a recipient may hold."""
    book = Book([], 0, KINDS, lambda subject, kind, month: None)
    book.state(a_statement(*offered))
    for line in list(book.lines.values()):
        book.lines[line.key] = line._replace(offered=True)
    return book


def told(book: Book) -> dict[str, Record]:
    return {
        line.key: record_of(KINDS, line.kind, line.content, line.known_at) for line in book.lines.values() if not line.retracted
    }


@st.composite
def knowledge(draw: st.DrawFn, least: int = 0) -> list[Statement]:
    """What was known of a server at several times, each time of at least so many months."""
    statements = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        at = NOW + number * HOUR
        months = draw(st.sets(st.sampled_from(MONTHS), min_size=least))
        records = [a_record(month=month, wall=draw(st.integers(0, 3)), known_at=at) for month in sorted(months)]
        statements.append(a_statement(*records, known_at=at))
    return statements


@given(st.data())
def test_later_knowledge_wins_whatever_the_order_of_the_puts(data):
    statements = data.draw(knowledge(least=len(MONTHS)))
    book = a_book()

    for statement in data.draw(st.permutations(statements)):
        book.state(statement)

    assert told(book) == {record.key: record for record in statements[-1].records}


@given(st.data())
def test_later_knowledge_wins_over_what_a_recipient_holds_also_by_saying_nothing(data):
    statements = data.draw(knowledge())
    book = a_book(offered=[a_record(month=month, wall=9) for month in MONTHS])

    for statement in data.draw(st.permutations(statements)):
        book.state(statement)

    assert told(book) == {record.key: record for record in statements[-1].records}


@given(knowledge())
def test_what_a_recipient_may_hold_is_never_dropped(statements):
    book = a_book(offered=[a_record(month=month) for month in MONTHS])

    for statement in statements:
        book.state(statement)

    assert set(book.lines) == {a_record(month=month).key for month in MONTHS}


@given(knowledge())
def test_a_retraction_is_worth_nothing_in_its_month(statements):
    book = a_book(offered=[a_record(month=month, wall=9) for month in MONTHS])

    for statement in statements:
        book.state(statement)

    before = 0
    for line in sorted(book.lines.values(), key=lambda line: line.month):
        record = record_of(KINDS, line.kind, line.content, line.known_at)
        assert not line.retracted or record.wall_seconds == before
        before = record.wall_seconds


@given(knowledge())
def test_a_revision_is_new_exactly_when_the_content_differs(statements):
    book = a_book()

    for statement in statements:
        before = dict(book.lines)
        book.state(statement)

        for key, line in book.lines.items():
            if key in before:
                assert (line.revision > before[key].revision) == (line.content != before[key].content)
    revisions = [line.revision for line in book.lines.values()]
    assert len(set(revisions)) == len(revisions)
    assert max(revisions, default=0) <= book.revision


@given(knowledge())
def test_to_say_it_again_changes_nothing(statements):
    book = a_book(offered=[a_record()])
    for statement in statements:
        book.state(statement)
    before = dict(book.lines)

    book.state(statements[-1])

    assert book.lines == before
