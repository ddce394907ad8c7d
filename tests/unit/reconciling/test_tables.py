"""What caso-reconcile makes of its arguments and of its rows."""

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from caso.cli import reconcile, reconcile_tables
from caso.errors import ConfigError, SourceError
from caso.projects import Project
from caso.reconciling import Row
from caso.reconciling.causes import Cause, Hours
from caso.reconciling.comparing import Comparison
from caso.window import Month, Window

MONTH = Month(2026, 10)
WINDOW = Window.parse("2026-10-01", "2026-10-12T12:00:00")
ALPHA = Project("p1", "alpha", "vo", "property VO")
LITTLE = Comparison("little", None, Hours(2, 4, 8), Hours(1, 2, 4), Hours(), {Cause.BEFORE_LAUNCH: Hours(1, 2, 4)})
MUCH = Comparison("much", "vm", Hours(), Hours(1234.5), Hours(), {Cause.QUARANTINED: Hours(-1234.5)})
STRANGE = Comparison("strange", None, Hours(3), Hours(), Hours(), {Cause.NOT_EXPLAINED: Hours(3)})


def shown(*rows, servers=False, width=200):
    output = io.StringIO()
    reconcile_tables.print_rows(rows, MONTH, Console(file=output, width=width), servers=servers)
    return [line.split() for line in output.getvalue().splitlines() if line.strip()]


def test_a_row_has_what_each_tells_and_what_is_not_explained():
    lines = shown(Row(ALPHA, "north", WINDOW, [LITTLE, MUCH, STRANGE]))

    assert ["alpha", "Ledger", "5.00", "4.00", "8.00"] in lines
    assert ["until", "2026-10-12", "12:00", "Nova", "1,235.50", "2.00", "4.00"] in lines
    assert ["Ledger", "-", "Nova", "-1,230.50", "2.00", "4.00"] in lines
    assert ["Not", "explained", "3.00", "0.00", "0.00"] in lines


def test_each_cause_has_its_servers_and_hours():
    lines = shown(Row(ALPHA, "north", WINDOW, [LITTLE, LITTLE, MUCH]))

    assert ["alpha", *Cause.BEFORE_LAUNCH.meaning.split(), "2", "2.00", "4.00", "8.00"] in lines
    assert [*Cause.QUARANTINED.meaning.split(), "1", "-1,234.50", "0.00", "0.00"] in lines


def test_the_server_that_differs_most_comes_first_and_only_where_servers_are_asked_for():
    row = Row(ALPHA, "north", WINDOW, [LITTLE, MUCH])

    first = [line[0] for line in shown(row, servers=True)]

    assert first.index("much") < first.index("little")
    assert "much" not in [line[0] for line in shown(row)]


def test_on_80_columns_no_number_is_cut_and_the_ids_of_servers_are_whole():
    uuid, many = "520653ea-2a01-56bc-a60c-deb198dce6fc", Hours(95_232.25, 761_856.25, 1_488_000.25)
    server = Comparison(uuid, "vm", many, Hours(), many, {Cause.BEFORE_LAUNCH: many})

    lines = shown(Row(ALPHA, "north", WINDOW, [server]), servers=True, width=80)

    numbers = ["95,232.25", "761,856.25", "1,488,000.25"]
    assert ["alpha", "Ledger", *numbers] in lines
    assert [uuid, *numbers] in lines
    assert "\u2026" not in str(lines)


def test_a_project_that_is_not_compared_has_a_row_too_and_regions_are_told_apart():
    lines = shown(Row(ALPHA, "north", WINDOW, [LITTLE]), Row(ALPHA, "south", trouble=SourceError("no")))

    assert ["alpha", "(south)", "not", "compared"] in lines


def test_the_document_of_a_row_says_the_same():
    told = reconcile_tables.document(Row(ALPHA, "north", WINDOW, [LITTLE]), MONTH, servers=True)

    assert (told["project_id"], told["month"], told["until"], told["error"]) == ("p1", "2026-10", "2026-10-12T12:00:00Z", None)
    assert told["difference"] == {"core_hours": 1, "memory_gib_hours": 2, "disk_gib_hours": 4}
    assert told["causes"] == [{"cause": "before_launch", "servers": 1, **told["difference"]}]
    assert [server["server_id"] for server in told["servers"]] == ["little"]


def test_a_row_is_settled_unless_something_is_not_explained_or_could_not_be_asked():
    assert Row(ALPHA, "north", WINDOW, [LITTLE, MUCH]).settled
    assert not Row(ALPHA, "north", WINDOW, [LITTLE, STRANGE]).settled
    assert not Row(ALPHA, "north", trouble=SourceError("no")).settled


@pytest.mark.parametrize("text", ["2026-13", "2026", "October", "2026-1", "2026-10-01", "2027-01"])
def test_a_month_that_is_none_or_has_not_begun_is_refused(text):
    with pytest.raises(ConfigError, match=f"--month: .*{text}"):
        reconcile._month(text, datetime(2026, 11, 21, tzinfo=UTC))


def test_without_a_month_it_is_the_current_one():
    assert reconcile._month(None, datetime(2026, 11, 21, tzinfo=UTC)) == Month(2026, 11)


def test_every_cause_has_a_meaning_of_its_own():
    assert len({cause.meaning for cause in Cause}) == len(Cause)
