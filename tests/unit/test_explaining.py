"""Why numbers are what they are: how sure each start is, the arithmetic of each month, and where the ledger says otherwise."""

import dataclasses
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from caso.accounting.rules import Rules
from caso.cli import explain_tables
from caso.errors import ConfigError
from caso.explaining import Answer, Background, explain, find
from caso.extractors.base import OddObject
from caso.lifecycle.actions import Action, told_by
from caso.lifecycle.measured import CPU, Measured
from caso.lifecycle.server import Accelerator, ServerState, observe
from caso.lifecycle.timeline import Evidence, Source
from caso.store import Known, Place, Statement, Store, Subscription, open_store
from caso.testing.entities import BIG, CREATED, SMALL, hours, life, seen_address, seen_server, seen_volume
from caso.window import Month
from tests.unit.test_settling import OURS, Site, Told

RULES = Rules("SITE", "SERVICE", "OpenStack")
NORTH = Place("", "north")
SERVER = seen_server(at=CREATED).uuid
VOLUME = seen_volume(at=CREATED).uuid
T0 = datetime(2026, 1, 20, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
MARCH = datetime(2026, 3, 10, 12, tzinfo=UTC)
GPU = dataclasses.replace(SMALL, accelerators=(Accelerator("GPU", "A100", 2),))


@pytest.fixture
def site(tmp_path) -> Site:
    return Site(tmp_path)


def store(site: Site) -> Store:
    return open_store(f"sqlite:///{site.folder}/caso.sqlite")


def asked(site: Site, text: str = SERVER, rules: Rules = RULES) -> Answer:
    with store(site) as opened:
        return find(opened, text, rules)


def only(site: Site, text: str = SERVER, rules: Rules = RULES):
    (explanation,) = asked(site, text, rules).explanations
    return explanation


def see(site: Site, at: datetime, *seen, kind: str = "server", region: str = "north"):
    site.run(at, [region], **{kind: Told(kind, **{region: seen})})


def told_of(server) -> list[tuple[str, datetime, datetime]]:
    """How sure each start is."""
    explanation = explain(Known(NORTH, "server", server, None, None), Background(RULES, None, None, {}, ()))
    return [(told.certainty.value, told.earliest, told.latest) for told in explanation.intervals]


# --- How sure the start of an interval is


def test_a_row_that_has_not_changed_since_the_creation_tells_its_state_exactly():
    assert told_of(life(seen_server(at=hours(5)))) == [("exact", CREATED, CREATED)]


def test_what_was_before_the_rows_last_change_is_assumed():
    assert told_of(life(seen_server(at=hours(5), unchanged_since=hours(2)))) == [("assumed", CREATED, hours(2))]


def test_of_a_server_that_was_first_seen_deleted_all_is_assumed():
    assert told_of(life(seen_server(at=hours(5), ended=hours(4), status="DELETED"))) == [("assumed", CREATED, hours(4))]


def test_a_change_between_two_polls_lies_between_the_last_look_and_the_rows_own_time():
    server = life(seen_server(at=hours(5)), seen_server(at=hours(6), unchanged_since=hours(5.75), flavor=BIG))

    assert told_of(server)[1] == ("between", hours(5), hours(5.75))


def test_what_no_row_dates_lies_between_the_two_looks():
    edited = dataclasses.replace(SMALL, accelerators=GPU.accelerators)
    server = life(seen_server(at=hours(5)), seen_server(at=hours(6), flavor=edited))

    assert told_of(server) == [("exact", CREATED, CREATED), ("between", hours(5), hours(6))]


def test_a_size_that_nobody_told_meanwhile_does_not_say_until_when_it_was_so():
    """Suspended and resumed between two looks, and resized, of which no action tells: it may have been at any time."""
    seen = seen_server(at=hours(9), unchanged_since=hours(8), flavor=BIG)
    actions = [Action("suspend", hours(6)), Action("resume", hours(7))]
    known = life(seen_server(at=hours(5)))

    server = observe(known, dataclasses.replace(seen, told=told_by(known, actions, seen)))

    assert told_of(server) == [
        ("exact", CREATED, CREATED),
        ("between", hours(6), hours(7)),
        ("between", hours(7), hours(8)),
        ("between", hours(5), hours(8)),
    ]


@pytest.mark.parametrize("source", [Source.ACTION, Source.NOTIFICATION])
def test_an_action_or_a_notification_tells_the_time_exactly(source: Source):
    server = life(seen_server(at=hours(5)), seen_server(at=hours(6), unchanged_since=hours(5.75), flavor=BIG))
    resized = Evidence(ServerState("ACTIVE", "project-1", BIG), hours(5.5), hours(5.5), hours(6), source)
    server = dataclasses.replace(server, evidence=(*server.evidence, resized))

    assert told_of(server)[1] == ("exact", hours(5.5), hours(5.5))
    (_, told) = explain(Known(NORTH, "server", server, None, None), Background(RULES, None, None, {}, ())).intervals
    assert told.interval.source is source


# --- The arithmetic is that of the records


@given(
    changes=st.lists(st.tuples(st.integers(1, 200), st.sampled_from([SMALL, BIG]), st.sampled_from(["ACTIVE", "SUSPENDED"]))),
    later=st.integers(0, 2000),
    unseen=st.integers(0, 100),
)
def test_the_months_of_a_life_add_up(changes: list, later: int, unseen: int):
    seen, at = [seen_server(at=hours(unseen))], unseen
    for hour, flavor, status in changes:
        at += hour
        seen.append(seen_server(at=hours(at), unchanged_since=hours(at - 0.5), flavor=flavor, status=status))
    known = Known(NORTH, "server", life(*seen), hours(at + later), None)

    months = explain(known, Background(RULES, CREATED, Month.of(CREATED), {}, ())).months

    for before, month in zip((None, *months), months, strict=False):
        for name in ("wall_seconds", "suspend_seconds", "cpu_seconds"):
            assert sum(getattr(term, name) for term in month.terms) == pytest.approx(getattr(month.use, name), abs=1)
            earlier = getattr(before.total, name) if before else 0
            assert getattr(month.total, name) == pytest.approx(earlier + getattr(month.use, name), abs=1)
    assert [month.month for month in months] == sorted({month.month for month in months})


def test_each_interval_is_multiplied_by_its_own_vcpus_and_the_record_says_the_same(site):
    see(site, T0, seen_server(at=T0))
    see(site, T0 + HOUR, seen_server(at=T0 + HOUR, unchanged_since=T0 + HOUR / 2, flavor=BIG))

    (january,) = only(site).months

    small, big = january.terms
    assert (small.wall_seconds, small.cpu_seconds) == ((T0 + HOUR / 2 - CREATED).total_seconds(), small.wall_seconds * 2)
    assert (big.wall_seconds, big.cpu_seconds) == (1800, 1800 * 16)
    assert january.sent == site.records[f"cloud/{SERVER}/2026-01"]
    assert (january.total.cpu_seconds, january.notes) == (january.sent.cpu_seconds, ())


def test_what_a_suspended_server_cost_before_it_was_first_seen_is_said_to_be_wall_time(site):
    see(site, T0, seen_server(at=T0, status="SUSPENDED", unchanged_since=T0 - HOUR))
    see(site, T0 + HOUR, seen_server(at=T0 + HOUR, status="SUSPENDED", unchanged_since=T0 - HOUR))

    (january,) = only(site).months

    assert january.use.suspend_seconds == 3600
    assert january.notes == ("its suspended time before 2026-01-20 10:00:00, when it was first seen, counts as wall time",)


def test_the_states_that_suspend_are_those_of_the_configuration(site):
    see(site, T0, seen_server(at=T0))
    see(site, T0 + HOUR, seen_server(at=T0 + HOUR, status="PAUSED", unchanged_since=T0))

    (january,) = only(site, rules=dataclasses.replace(RULES, suspended_states=frozenset({"PAUSED"}))).months

    assert january.use.suspend_seconds == 3600


def test_accelerators_are_told_with_the_record_of_their_month(site):
    see(site, T0, seen_server(at=T0, created=CREATED - 24 * HOUR, flavor=GPU))

    december, january = only(site).months

    (devices,) = january.accelerators
    assert (devices.held.latest.count, devices.sent) == (2, site.records[f"accelerator/{SERVER}/2026-01/A100"])
    assert devices.held.available_seconds == devices.sent.available_seconds == (T0 - CREATED).total_seconds()
    assert ([one.sent for one in december.accelerators], december.notes) == ([None], ())


# --- Where the ledger says otherwise


def test_months_before_the_closing_record_of_a_first_run_were_not_sent(site):
    see(site, MARCH, seen_server(at=MARCH))

    months = {str(month.month): month for month in only(site).months}

    assert (months["2026-01"].sent, months["2026-01"].notes) == (
        None,
        ("before accounting of its project began (2026-03-01): not sent",),
    )
    assert (months["2026-02"].sent is not None, months["2026-02"].notes) == (True, ())
    assert months["2026-03"].total.wall_seconds == (MARCH - CREATED).total_seconds()


def test_a_value_that_is_held_up_is_said_to_be(site):
    february = datetime(2026, 2, 1, 12, tzinfo=UTC)
    see(site, february, seen_server(at=february))
    with store(site) as opened, opened.transaction() as step:
        (january,) = (r for key, r in site.records.items() if key.endswith("2026-01"))
        dearer = dataclasses.replace(january, cpu_seconds=january.cpu_seconds * 9, known_at=february + HOUR)
        statement = Statement(
            subject=f"server/{SERVER}",
            kinds=frozenset({"cloud"}),
            since=january.month,
            until=january.month,
            known_at=dearer.known_at,
            records=[dearer],
            place=NORTH,
            project_id=OURS.id,
        )
        step.ledger.put(statement)
    see(site, february + HOUR, seen_server(at=february + HOUR))

    january, now = only(site).months

    assert now.sent.cpu_seconds == january.sent.cpu_seconds == dearer.cpu_seconds > now.total.cpu_seconds
    assert now.notes[0].startswith("held up so as never to fall below 2026-01: the intervals give")
    assert "the record rests on what was known at 2026-02-01 13:00:00" in january.notes[0]


def test_a_record_that_was_taken_back_is_said_to_be(site):
    february = datetime(2026, 2, 1, 12, tzinfo=UTC)
    see(site, february, seen_server(at=february))
    see(site, february + HOUR, seen_server(at=february + HOUR, ended=datetime(2026, 1, 31, tzinfo=UTC), status="DELETED"))

    explanation = only(site)

    assert [str(month.month) for month in explanation.months] == ["2026-01"]
    (taken_back,) = [entry.line for entry in explanation.records if entry.line.retracted]
    assert taken_back.month == "2026-02"


def test_an_end_that_is_known_and_not_accounted_for_yet_is_said(site):
    see(site, T0, seen_server(at=T0))
    end = T0 + HOUR / 2
    with store(site) as opened:
        opened.observe(NORTH, [seen_server(at=T0 + HOUR, unchanged_since=end, ended=end, status="DELETED")], by="nova")

    (january,) = only(site).months

    assert january.through == T0
    assert january.notes[0].startswith("accounted for only until 2026-01-20 10:00:00")


def test_what_is_known_otherwise_since_it_was_accounted_for_is_said_with_the_time(site):
    see(site, T0, seen_server(at=T0))
    see(site, T0, seen_volume(at=T0), kind="volume")
    with store(site) as opened:
        opened.observe(NORTH, [seen_server(at=T0 + HOUR, unchanged_since=T0 - HOUR, flavor=BIG)], by="nova")
        opened.observe(NORTH, [seen_volume(at=T0 + HOUR, unchanged_since=T0 - HOUR, size_gib=20)], by="cinder")

    (server,), (volume,) = only(site).months, only(site, VOLUME).months

    why = "known otherwise from 2026-01-20 09:00:00 on than when it was accounted for; the next run sends what differs"
    assert server.total.cpu_seconds - server.sent.cpu_seconds == 3600 * 14
    assert server.notes[0].startswith(f"the record says wall {server.sent.wall_seconds},")
    assert server.notes[0].endswith(why)
    assert [part.sent is None for part in volume.parts] == [False, True]
    assert (volume.notes[0].endswith(why), volume.notes[1]) == (True, why)


def test_months_that_no_run_accounted_for_yet_are_told_as_they_are_known(site):
    see(site, T0, seen_server(at=T0))
    with store(site) as opened:
        opened.observe(NORTH, [seen_server(at=MARCH)], by="nova")

    months = {str(month.month): month.notes for month in only(site).months}

    assert list(months) == ["2026-01", "2026-02", "2026-03"]
    assert months["2026-01"][0].startswith("accounted for only until 2026-01-20 10:00:00: the rest of the month")
    assert months["2026-02"] == months["2026-03"] == ("not accounted for yet: the next run does",)


def test_a_server_of_a_project_that_no_run_has_asked_for_is_said_to_be_so(site):
    with store(site) as opened:
        opened.observe(NORTH, [seen_server(at=T0)], by="nova")

    (january,) = only(site).months

    assert january.notes == ("not accounted for: no run has asked for its project yet",)


def test_a_server_that_never_ran_has_no_months_and_the_reason(site):
    see(site, T0, seen_server(at=T0, launched=False, status="ERROR"))

    explanation = only(site)

    assert (explanation.months, explanation.records) == ((), ())
    assert "never ran" in explanation.notes[0]


def test_a_record_that_is_no_longer_held_is_said_not_to_be(site):
    see(site, MARCH, seen_server(at=MARCH))
    with store(site) as opened:
        opened.ledger.purge(Month(2026, 3))

    months = {str(month.month): month.notes for month in only(site).months}

    assert "keep_months" in months["2026-02"][0]


# --- Volumes


def test_the_stretches_of_a_volume_have_the_ids_of_their_records(site):
    see(site, T0, seen_volume(at=T0), kind="volume")
    see(site, T0 + HOUR, seen_volume(at=T0 + HOUR, unchanged_since=T0 + HOUR / 2, size_gib=20), kind="volume")

    (january,) = only(site, VOLUME).months

    assert [part.record_id for part in january.parts] == [f"{VOLUME}/2026-01/1", f"{VOLUME}/2026-01/2"]
    assert january.parts[1].stretch.byte_seconds == 20 * 2**30 * 1800
    assert january.byte_seconds == sum(part.stretch.size_bytes * part.stretch.seconds for part in january.parts)
    assert january.notes == ()


def test_a_volume_that_vanished_ends_where_it_was_last_seen(site):
    see(site, T0, seen_volume(at=T0), kind="volume")
    see(site, T0 + HOUR, kind="volume")

    explanation = only(site, VOLUME)

    assert (explanation.entity.ended, explanation.entity.known_at) == (T0, explanation.entity.known_at)
    assert explanation.entity.known_at > T0 + HOUR
    assert explanation.months[-1].through == T0


def test_months_of_a_volume_before_accounting_began_were_not_sent(site):
    see(site, MARCH, seen_volume(at=MARCH), kind="volume")

    months = {str(month.month): month.notes for month in only(site, VOLUME).months}

    assert months["2026-02"] == ("before accounting of its project began (2026-03-01): not sent",)
    assert months["2026-03"] == ()


# --- What an id means


def test_the_beginning_of_an_id_is_enough_where_it_means_one_thing(site):
    see(site, T0, seen_server(at=T0))

    assert asked(site, SERVER[:8]).thing_id == SERVER


def test_a_beginning_that_several_things_share_is_answered_with_them(site):
    other = SERVER[:-1] + "6"
    see(site, T0, seen_server(at=T0), seen_server(at=T0, uuid=other))

    with pytest.raises(ConfigError, match=f"(?s)several .*{SERVER}\n  {other}"):
        asked(site, SERVER[:8])


@pytest.mark.parametrize("text", [SERVER[:7], SERVER[:-4] + "0000", "zzzzzzzz-2222-zzzz-zzzz-zzzzzzzzzzzz"])
def test_an_id_that_is_not_there_is_answered_with_those_that_come_near(site, text):
    see(site, T0, seen_server(at=T0))

    with pytest.raises(ConfigError, match=f"(?s)knows no server and no volume {text}.*did you mean\n  {SERVER}"):
        asked(site, text)


def test_a_beginning_that_is_too_short_is_told_from_an_id_that_nobody_has(site):
    see(site, T0, seen_server(at=T0))

    with pytest.raises(ConfigError, match="is too short for an id; write the first 8 characters"):
        asked(site, SERVER[:3])


def test_an_id_that_nothing_comes_near_is_a_sentence(site):
    see(site, T0, seen_server(at=T0))

    with pytest.raises(ConfigError, match="a run of caso-extract has to see it first"):
        asked(site, "deadbeef-none")


def test_what_is_only_in_quarantine_is_told_with_its_reason(site):
    with store(site) as opened:
        opened.quarantine(
            NORTH, [OddObject("server", "0ddba11-1", "project-1", "it has no creation time")], window_start=T0, at=T0 + HOUR
        )

    answer = asked(site, "0ddba11-")

    assert answer.explanations == []
    assert [(place, odd.reason) for place, odd in answer.quarantined] == [(NORTH, "it has no creation time")]


def test_what_several_regions_know_is_told_for_each_and_that_they_share_their_records(site):
    see(site, T0, seen_server(at=T0))
    see(site, T0 + HOUR, seen_server(at=T0 + HOUR), region="south")

    north, south = asked(site).explanations

    assert (north.known.place.region, south.known.place.region) == ("north", "south")
    assert "in south too" in north.notes[0]
    assert north.records == south.records


def test_addresses_are_none_of_its_things(site):
    see(site, T0, seen_address(at=T0), kind="address")

    with pytest.raises(ConfigError):
        asked(site, seen_address(at=T0).id)


def test_measured_cpu_time_is_shown_since_when_it_is_measured(site):
    began = MARCH.replace(day=1, hour=0)
    measured = Measured(
        meter=CPU,
        uuid=SERVER,
        project_id="project-1",
        start=began + 5 * HOUR,
        end=began + 24 * HOUR,
        amount=1234.0,
        covered_seconds=19 * 3600.0,
        seen_at=MARCH,
    )
    see(site, MARCH, seen_server(at=MARCH))
    with store(site) as opened:
        opened.measure(NORTH, [measured])
    see(site, MARCH + HOUR, seen_server(at=MARCH + HOUR))

    explanation = only(site)

    march = next(one for one in explanation.months if one.month == Month(2026, 3))
    assert march.cpu_measured_since == measured.start
    assert march.use.cpu_seconds == 5 * 3600 * SMALL.vcpus + 1234
    assert march.total.cpu_seconds == march.sent.cpu_seconds
    assert march.notes == ()
    assert sum(term.cpu_seconds for term in march.terms) == march.use.wall_seconds * SMALL.vcpus
    earlier = [one for one in explanation.months if one.month < Month(2026, 3)]
    assert [one.cpu_measured_since for one in earlier] == [None] * len(earlier)
    assert "CPU time is measured since 2026-03-01 05:00:00" in shown(asked(site))


def test_a_month_alone_has_its_arithmetic_and_its_records_only(site):
    see(site, MARCH, seen_server(at=MARCH))

    explanation = only(site).only(Month(2026, 2))

    assert [str(month.month) for month in explanation.months] == ["2026-02"]
    assert [entry.line.month for entry in explanation.records] == ["2026-02"]
    assert len(explanation.intervals) == 1


# --- As a person reads it


def shown(answer: Answer, width: int = 200) -> str:
    output = io.StringIO()
    explain_tables.answer(answer, Console(file=output, width=width))
    return output.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_no_time_state_or_number_is_cut_on_a_narrow_screen(site, width):
    see(site, T0, seen_server(at=T0))
    see(site, MARCH, seen_server(at=MARCH, status="SHELVED_OFFLOADED", unchanged_since=T0 + HOUR))

    text = shown(asked(site), width)

    whole = {f"{T0 + HOUR:%F}", f"{T0 + HOUR:%T}", "SHELVED_OFFLOADED", "between", "vCPUs"}
    (use,) = {month.total for month in asked(site).explanations[0].months if month.month == Month(2026, 3)}
    assert whole | {str(use.cpu_seconds), str(use.suspend_seconds)} <= set(text.split())
    assert "\u2026" not in text


def test_what_became_of_a_record_is_shown_for_each_messenger(site):
    see(site, T0, seen_server(at=T0))
    with store(site) as opened:
        wanted = {name: Subscription() for name in ("recorder", "refusing", "waiting")}
        opened.ledger.configure(wanted | {"late": Subscription(replay=False), "other": Subscription(frozenset({"ip"}))}, T0)
        opened.ledger.set_aside("refusing", [(held, "no such site") for held in opened.ledger.due("refusing", 9)], T0)

    text = shown(asked(site))

    assert "recorder: accepted 2026-01-20 10:00" in text
    assert "refusing: set aside 2026-01-20 10:00: no such site" in text
    assert "waiting: due\n" in "\n".join(line.rstrip() for line in text.splitlines())
    assert "late: skipped" in text
    assert "other: not taken" in text


def test_accelerators_and_notes_are_shown_with_their_month(site):
    see(site, T0, seen_server(at=T0, created=CREATED - 24 * HOUR, flavor=GPU))

    text = shown(asked(site))

    assert "GPU A100: 3355200 s of devices = 2 for 1677600 s\n" in text
    assert "GPU A100: 172800 s of devices = 2 for 86400 s; no record\n" in text


def test_months_before_accounting_began_are_only_counted(site):
    see(site, MARCH, seen_server(at=MARCH))

    text = shown(asked(site))

    assert "Months not shown: 1 from before accounting of its project began" in text
    assert "2026-02, counted up to 2026-03-01 00:00:00" in text
    assert "2026-01, counted" not in text
    assert "2026-01, counted" in shown(Answer(SERVER, [only(site).only(Month(2026, 1))], []))
