"""A month of the ledger beside Nova's own usage, over fakes: who is asked, and what the rows say."""

import pytest

from caso.accounting.rules import Rules
from caso.projects import Project
from caso.reconciling import Asked, reconcile
from caso.reconciling.causes import Cause, Hours
from caso.testing.servers import a_partial_server, a_server
from caso.testing.sources import REGION, fake_sources
from caso.testing.usage import FakeComputeWithUsage
from caso.window import Month
from tests.unit.cloudlet import PROJECTS, T1, T2, Cloudlet, servers

MARCH = Month(2024, 3)
RULES = Rules("SITE", "SERVICE", "OpenStack")
MONTH_HOURS = 9 * 24 + 12
"""From the start of March until T2."""


@pytest.fixture
def cloudlet(tmp_path):
    """Two projects, extracted at T1 and T2."""
    made = Cloudlet(tmp_path)
    made.run(T1)
    made.run(T2)
    return made


BOOT = 2 / 60
"""Core-hours of the minute in which the one that was made in the last hour was not launched yet."""


def nova(*more, **options):
    launched = {"born": {"OS-SRV-USG:launched_at": "2024-03-10T11:11:00.000000"}}
    return FakeComputeWithUsage([*(row | launched.get(row["id"], {}) for row in servers(T2)), *more], **options)


def compared(cloudlet, compute, *, projects=PROJECTS, month=MARCH, regions=(REGION,), **access):
    sources = fake_sources(compute=compute, clock=lambda: T2, **access)
    with cloudlet.store() as store:
        return list(reconcile(Asked("", sources, projects, regions, RULES), store, month))


def core_hours(row):
    return {cause: (count, pytest.approx(hours.core, abs=1e-3)) for cause, (count, hours) in row.causes.items()}


@pytest.mark.parametrize("admin", [False, True])
@pytest.mark.parametrize("page_size", [1, 2, 1000])
def test_projects_agree_but_for_what_is_named(cloudlet, admin, page_size):
    alpha, beta = compared(cloudlet, nova(admin=admin, page_size=page_size))

    assert alpha.settled
    assert core_hours(alpha) == {Cause.BEFORE_LAUNCH: (1, BOOT)}
    # It grew from 2 to 16 vCPUs twenty minutes before T2.
    assert beta.settled
    assert core_hours(beta) == {Cause.OTHER_FLAVOR: (1, -14 * (MONTH_HOURS - 1 / 3))}


def test_the_listing_counts_each_server_as_on_a_first_sight(cloudlet):
    _, beta = compared(cloudlet, nova())

    # One that ended on the fifth, one that runs, one that is as large as it is now.
    expected = 2 * (4 * 24 + 10) + 2 * MONTH_HOURS + 16 * MONTH_HOURS
    assert beta.total(lambda server: server.listing).core == pytest.approx(expected)


def test_an_administrator_asks_for_two_listings_and_each_projects_usage(cloudlet):
    compute = nova(admin=True)

    compared(cloudlet, compute)

    assert compute.pages_served == 2
    assert compute.usages == ["p1", "p2"]


def test_archived_rows_are_named(cloudlet):
    compute = nova()
    compute.archived = frozenset({"ended"})

    _, beta = compared(cloudlet, compute)

    assert core_hours(beta)[Cause.ARCHIVED] == (1, 2 * (4 * 24 + 10))
    assert beta.settled


def test_a_project_whose_usage_is_denied_says_so_and_the_others_go_on(cloudlet):
    compute = nova()
    compute.usage_denied = frozenset({"p1"})

    alpha, beta = compared(cloudlet, compute)

    assert "os-simple-tenant-usage" in str(alpha.trouble)
    assert not alpha.settled
    assert beta.servers


def test_a_listing_that_fails_costs_its_own_project_only(cloudlet):
    alpha, beta = compared(cloudlet, nova(fail_on_page=1))

    assert "503" in str(alpha.trouble)
    assert beta.settled


def test_a_project_with_servers_in_a_cell_that_is_down_is_not_compared(cloudlet):
    alpha, beta = compared(cloudlet, nova(a_partial_server("hidden", "p1")))

    assert "a cell is down, and hides 1 servers of project alpha" in str(alpha.trouble)
    assert beta.settled


def test_a_project_that_was_never_extracted_says_so(cloudlet):
    new = Project("p3", "gamma", "vo", "property VO")

    (row,) = compared(cloudlet, nova(), projects=[new])

    assert str(row.trouble) == f"project gamma (p3): its servers were never extracted in region {REGION}; run caso-extract first"


def test_a_project_without_a_vo_is_asked_about_nothing(cloudlet):
    compute = nova()

    (row,) = compared(cloudlet, compute, projects=[Project("p3", "gamma", None, None)])

    assert "has no VO" in str(row.trouble)
    assert (compute.pages_served, compute.usages) == (0, [])


def test_a_month_after_the_checkpoint_is_not_compared(cloudlet):
    alpha, _ = compared(cloudlet, nova(), month=Month(2024, 4))

    assert str(alpha.trouble).endswith("extracted up to 2024-03-10T12:00:00Z only, which is before 2024-04")


def test_a_region_without_checkpoints_of_its_own_has_rows_of_its_own(cloudlet):
    rows = compared(cloudlet, nova(), regions=(REGION, "elsewhere"))

    assert [(row.region, row.trouble is None) for row in rows] == [
        (REGION, True),
        (REGION, True),
        ("elsewhere", False),
        ("elsewhere", False),
    ]


def test_a_quarantined_server_is_named_as_what_nova_alone_has(tmp_path):
    odd = a_server("odd", "p1", flavor=a_server()["flavor"] | {"original_name": None})
    cloudlet = Cloudlet(tmp_path)
    cloudlet.run(T1, compute=FakeComputeWithUsage([*servers(T1), odd]))
    cloudlet.run(T2, compute=FakeComputeWithUsage([*servers(T2), odd]))

    alpha, _ = compared(cloudlet, nova(odd))

    assert core_hours(alpha) == {Cause.BEFORE_LAUNCH: (1, BOOT), Cause.QUARANTINED: (1, -2 * MONTH_HOURS)}


def test_a_server_that_nobody_can_explain_unsettles_its_row(cloudlet):
    stranger = a_server("stranger", "p2", created="2024-03-09T12:00:00Z", updated="2024-03-09T12:01:00Z")
    stranger |= {"OS-SRV-USG:launched_at": "2024-03-09T12:00:00.000000"}

    _, beta = compared(cloudlet, nova(stranger))

    assert core_hours(beta)[Cause.NOT_EXPLAINED] == (1, -48)
    assert not beta.settled


def test_what_the_ledger_has_is_what_the_recipient_books(cloudlet):
    cloudlet.received()
    rows = compared(cloudlet, nova())

    usage = cloudlet.recipient.cloud_usage(MARCH)

    booked = {server.uuid: round(server.ledger.core * 3600) for row in rows for server in row.servers if server.ledger != Hours()}
    assert booked == {uuid: used["CpuDuration"] for uuid, used in usage.items()}


def test_a_month_before_accounting_began_has_nothing_that_is_not_explained(tmp_path):
    """Accounting begins with March, and with the closing record of February; of January nobody ever asked."""
    cloudlet = Cloudlet(tmp_path)
    cloudlet.run(T1)
    older = [
        row | {"created": "2024-01-02T00:00:00Z", "OS-SRV-USG:launched_at": "2024-01-02T00:00:00.000000"} for row in servers(T1)
    ]

    alpha, _ = compared(cloudlet, FakeComputeWithUsage(older), month=Month(2024, 1))

    assert alpha.settled
    assert core_hours(alpha) == {Cause.BEFORE_ACCOUNTING: (3, -3 * 2 * 30 * 24)}
