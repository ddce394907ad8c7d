"""The truth at one moment as rows of the services' databases."""

from datetime import datetime

from tests.cloud.rows.cinder import add_cinder
from tests.cloud.rows.glance import add_glance
from tests.cloud.rows.keystone import add_keystone
from tests.cloud.rows.neutron import add_neutron
from tests.cloud.rows.nova import add_nova
from tests.cloud.rows.table import Rows
from tests.cloud.seed.truth import Truth


def rows_at(truth: Truth, at: datetime, archived: datetime | None = None) -> Rows:
    """All rows of all databases; a pure function. Nova's rows deleted before ``archived`` are left out."""
    rows = Rows()
    add_keystone(rows, truth)
    add_glance(rows, truth)
    add_nova(rows, truth, at, archived)
    add_cinder(rows, truth, at)
    add_neutron(rows, truth, at)
    return rows
