"""The tables of the first caso that had a store.

New stores are made whole, at the newest revision (``caso.store.schema``), so none is ever migrated to this one.
How the tables were then is kept in ``tests/unit/store/tables/0001.sql``, which later migrations are tested from.
"""

from __future__ import annotations

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Nothing was before."""
