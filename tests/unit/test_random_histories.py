"""Whatever happens to servers and volumes, and whenever caso looks: the recipient's months are the truth."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings

from caso.explaining.telling import told
from tests.unit.oracle import SUSPENDED, ServerOracle, VolumeOracle
from tests.unit.random_site import Plan, Site, cumulative, plans, rows_of, site_of

ROUNDING = 2
"""Seconds: cumulative values are rounded at both ends of a month."""

few = settings(max_examples=100, derandomize=True, suppress_health_check=list(HealthCheck))
many = settings(max_examples=2000, derandomize=False, suppress_health_check=list(HealthCheck))


@few
@given(plans())
def test_the_recipients_months_are_the_truth(plan: Plan):
    hold_the_laws(plan)


@pytest.mark.soak
@many
@given(plans())
def test_the_recipients_months_are_the_truth_of_many_more(plan: Plan):
    hold_the_laws(plan)


def hold_the_laws(plan: Plan) -> None:
    with site_of(plan) as site:
        for visit in plan.visits:
            site.visit(visit)
            if visit.again:
                repeating_changes_nothing(site)
            assert not site.recipient.refused
            nothing_falls(site)
        the_servers_months_are_right(site)
        the_volumes_months_are_right(site)
        nobody_is_asked_twice(site)
        the_explanations_enclose_the_truth(site)
        repeating_changes_nothing(site)
        a_newcomer_holds_the_same(site)


def the_servers_months_are_right(site: Site) -> None:
    for history in site.plan.servers:
        oracle = ServerOracle(history, site.seen.get(history.server_id, ()), site.now, site.plan.tells)
        for month in sorted(site.months):
            got = site.recipient.cloud_usage(month).get(history.server_id, {})
            devices = site.recipient.device_seconds(month).get(history.server_id, {})
            if not oracle.billed:
                assert not got, f"{history.server_id} was never seen running"
                continue
            use = oracle.use(month)
            where = f"{history.server_id} in {month}: {dict(got)}, {dict(devices)}, and truly {use}; seen {oracle.seen}"
            wall, suspend, cpu = (got.get(name, 0) for name in ("WallDuration", "SuspendDuration", "CpuDuration"))
            assert wall + suspend == use.wall + use.suspend, where
            assert abs(wall - use.wall) <= margin(use.sleep_doubt), where
            cores = max(stretch.size.vcpus for stretch in history.stretches())
            assert abs(cpu - use.cpu) <= margin(use.size_doubt) * cores, where
            for model in {*devices, *use.devices}:
                most = max(stretch.size.accelerators for stretch in history.stretches())
                assert abs(devices.get(model, 0) - use.devices[model]) <= margin(use.size_doubt) * most + most / 2, where


def the_volumes_months_are_right(site: Site) -> None:
    rows = site.recipient.storage()
    for history in site.plan.volumes:
        seen = site.seen.get(history.volume_id, ())
        for month in sorted(site.months):
            got: dict[str, int] = {}
            for record_id, used in site.recipient.storage_byte_seconds(month).items():
                if record_id.split("/")[0] == history.volume_id:
                    owner = rows[record_id]["LocalGroup"]
                    got[owner] = got.get(owner, 0) + used
            if not seen:
                assert not got, f"{history.volume_id} was never seen"
                continue
            used, doubt = VolumeOracle(history, seen, site.now).use(month)
            for owner in {*got, *used}:
                where = f"{history.volume_id} of {owner} in {month}: {got}, and truly {used}, give or take {doubt}; seen {seen}"
                assert abs(got.get(owner, 0) - used[owner]) <= doubt, where


def the_explanations_enclose_the_truth(site: Site) -> None:
    """Where caso says that something changed, it changed: at that time, or between the two that the explanation gives."""
    for server_id, server in site.known_servers().items():
        (history,) = (one for one in site.plan.servers if one.server_id == server_id)
        oracle = ServerOracle(history, site.seen[server_id], site.now, site.plan.tells)
        if oracle.has_untold_shelves:
            continue
        for before, after in pairwise(told(server)):
            for what, changed in (("slept", lambda one: one.status in SUSPENDED), ("size", lambda one: one.flavor.name)):
                was, became = changed(before.interval.value), changed(after.interval.value)
                if was != became:
                    times = oracle.changes_to(what, became)
                    enclosed = [time for time in times if after.earliest <= time <= after.latest]
                    assert enclosed, f"{server_id}: {what} is {became} since {times}, and not in {after}"


def margin(doubt: float) -> float:
    return doubt + ROUNDING if doubt else 0


def nothing_falls(site: Site) -> None:
    for history in site.plan.servers:
        values = cumulative(site.recipient, history.server_id)
        for column in zip(*values, strict=True):
            assert list(column) == sorted(column), f"{history.server_id}: {values}"


def nobody_is_asked_twice(site: Site) -> None:
    for asked in site.asked:
        assert len(asked) == len(set(asked))


def repeating_changes_nothing(site: Site) -> None:
    before = rows_of(site.recipient)
    site.run()
    assert rows_of(site.recipient) == before


def a_newcomer_holds_the_same(site: Site) -> None:
    """Whatever was sent in between, and in whatever order: what counts is the newest, so who is sent only that holds the same."""
    newcomer = site.received_by_a_newcomer()
    for month in site.months:
        for one, other in (
            (site.recipient.device_seconds(month), newcomer.device_seconds(month)),
            (site.recipient.storage_byte_seconds(month), newcomer.storage_byte_seconds(month)),
            (site.recipient.cloud_usage(month), newcomer.cloud_usage(month)),
        ):
            assert without_zeros(one) == without_zeros(other)


def without_zeros(used):  # type: ignore[no-untyped-def]
    """What a recipient holds may be nothing: neutral rows, in place of what was taken back."""
    if not isinstance(used, dict):
        return used
    told = {key: without_zeros(value) for key, value in used.items()}
    return {key: value for key, value in told.items() if value}
