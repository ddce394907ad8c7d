"""What is promised of the figures is held against them, and a missed promise is called one."""

from tests.bench import messages_tables
from tests.bench.criteria import verdicts
from tests.bench.figures import CASO, FIRST, FLOOR, HOUR, OLD, Figures, Run
from tests.bench.fleet import Changed
from tests.bench.measuring import Cost
from tests.bench.tables import markdown, restructured

MACHINE = {"processor": "P", "cores": 2, "memory_gib": 4, "system": "L", "python": "3", "commit": "abc", "date": "2026-01-01"}


def a_run(
    who: str, what: str, seconds: float, *, calls: int = 10, size: int = 1000, changed: Changed | None = None, about: int = 0
) -> Run:
    cost = Cost(seconds, 1.0, 90.0, 0, {"nova": calls}, about, 1, "")
    return Run(who, what, "admin", size, cost, *((1, changed) if changed else ()))


def figures(*runs: Run) -> Figures:
    return Figures(MACHINE, "make bench", 6, list(runs))


def told(*runs: Run) -> dict[str, bool]:
    return {one.about: one.met for one in verdicts(figures(*runs))}


def test_a_first_run_is_held_against_the_floor_beside_it():
    floor = [a_run(FLOOR, FIRST, 10), a_run(FLOOR, FIRST, 20)]

    quick = told(*floor, a_run(CASO, FIRST, 11, calls=20), a_run(CASO, FIRST, 22))
    slow = told(*floor, a_run(CASO, FIRST, 14, calls=21), a_run(CASO, FIRST, 22))

    assert list(quick.values()) == [True, True]
    assert list(slow.values()) == [False, False]


def test_calls_of_an_hour_that_grow_with_the_fleet_are_a_missed_promise():
    small = a_run(CASO, HOUR, 1, calls=15, changed=Changed(10, 2), about=2)
    large = a_run(CASO, HOUR, 1, calls=16, size=20000, changed=Changed(200, 40), about=40)

    missed = [about for about, met in told(small, large).items() if not met]

    assert missed == ["one hour, 1 % changed, admin: calls at each size"]


def test_more_questions_than_servers_that_are_billed_otherwise_are_a_missed_promise():
    met = told(a_run(CASO, HOUR, 1, changed=Changed(10, 2), about=3))

    assert [about for about in met if not met[about]] == [
        "one hour, 1 % of 1,000 servers changed, admin: questions about changes"
    ]


def test_an_hour_is_held_against_the_floor_of_a_full_listing_and_against_the_old_program():
    hour = a_run(CASO, HOUR, 2, changed=Changed(10, 2))

    met = told(a_run(FLOOR, FIRST, 10), hour, a_run(OLD, HOUR, 99, changed=Changed(10, 2)))

    missed = [about.rpartition("seconds, ")[2] for about in met if not met[about]]
    assert missed == ["caso / floor of a full listing", "cASO 5.2.2 / caso"]


def metered(**values: object) -> dict[str, object]:
    """A line of the part ``meters``."""
    line = {"who": CASO, "extractors": "nova,prometheus", "run": "a day", "servers": 1200, "projects": 2, "days": 1}
    return {**line, "seconds": 9.0, "peak_mib": 70, "calls": {"cloud": 6, "prometheus": 2}, "records": 0, "queries": 2, **values}


def asked_of_meters(**values: object) -> bool:
    (verdict,) = verdicts(Figures(MACHINE, "make bench", meters={"lines": [metered(**values)]}))
    return verdict.met


def test_one_query_more_than_projects_and_days_is_a_missed_promise():
    assert asked_of_meters(queries=2)
    assert not asked_of_meters(queries=3)
    assert asked_of_meters(queries=4, days=2)


def test_one_question_more_than_one_for_500_resources_and_meter_is_a_missed_promise():
    assert asked_of_meters(extractors="ceilometer", measures=9, meters=3)
    assert not asked_of_meters(extractors="ceilometer", measures=10, meters=3)


def test_what_each_server_costs_caso_is_told_for_as_many_as_caso_has():
    old = {"who": OLD, "extractors": "prometheus", "projects": 1}
    lines = [
        metered(),
        metered(**old, servers=20, seconds=3.0, queries=20, calls={"cloud": 20, "prometheus": 20}),
        metered(**old, servers=120, seconds=4.0, queries=120, calls={"cloud": 20, "prometheus": 120}),
        metered(**old, run="first run", servers=1, seconds=12.8, queries=5000, calls={"cloud": 20, "prometheus": 5000}),
    ]

    table = markdown(Figures(MACHINE, "make bench", meters={"machine": MACHINE, "lines": lines}))

    assert "| cASO 5.2.2, computed | prometheus | a day | 1,200 |  | 1,220 | prometheus 1,200, cloud 20 | 14.8 |  |" in table
    assert "| first run | 1,200 |  | 6,000,020 | prometheus 6,000,000, cloud 20 | 12,002.8 |  |" in table


def test_both_tables_have_the_same_rows():
    one = figures(a_run(FLOOR, FIRST, 10), a_run(CASO, FIRST, 11))

    assert '"1,000","admin","1","11.0","10.0","10","10","90","90"' in restructured(one)
    assert "| 1,000 | admin | 1 | 11.0 | 10.0 | 10 | 10 | 90 | 90 |" in markdown(one)


def a_drain(messages: int, peak_mib: float) -> dict[str, object]:
    counts = {"messages": messages, "entities": 10, "per_second": 2, "per_cpu_second": 3}
    return {"database": "sqlite", "seconds": 1.0, "cpu_seconds": 1.0, "peak_mib": peak_mib, **counts}


def a_list(read: int, returned: int, scan: str = "Index Scan of entities") -> dict[str, object]:
    counts = {"intervals": 100, "entities": 50, "resources_returned": 5, "rows_read": read, "rows_returned": returned}
    names = {"project": "p", "month": "m", "scans": [scan], "plan": ""}
    return {"milliseconds": 1.0, "database_milliseconds": 1.0, **counts, **names}


def kept(**parts: list[dict[str, object]]) -> list[bool]:
    told = {name: {"machine": MACHINE, "command": "make bench", "lines": lines} for name, lines in parts.items()}
    return [one.met for one in messages_tables.verdicts(Figures(MACHINE, "make bench", **told))]


def test_memory_that_grows_with_the_messages_is_a_missed_promise():
    assert kept(notifications=[a_drain(20, 100.0), a_drain(200, 119.0)]) == [True]
    assert kept(notifications=[a_drain(20, 100.0), a_drain(200, 121.0)]) == [False]


def test_a_list_that_reads_much_besides_is_a_missed_promise_as_is_one_that_looks_through_a_table():
    assert kept(periods=[a_list(2, 1), a_list(1, 1)]) == [True, True]
    assert kept(periods=[a_list(3, 1), a_list(1, 1)]) == [False, True]
    assert kept(periods=[a_list(1, 1), a_list(1, 1, "Seq Scan of entities")]) == [True, False]


def test_the_documentation_includes_a_file_of_each_part_that_was_measured():
    told = {"machine": MACHINE, "command": "make bench"}
    lists = [a_list(1, 1), a_list(1, 1) | {"plan": "Limit"}]
    figures = Figures(MACHINE, "", notifications=told | {"lines": [a_drain(20, 1.0)]}, periods=told | {"lines": lists})

    files = dict(messages_tables.files(figures))

    assert sorted(files) == ["notifications.rst", "periods.rst", "plan.txt"]
    assert files["plan.txt"] == "Limit\n"
    assert '"20","sqlite"' in files["notifications.rst"]
