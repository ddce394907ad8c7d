"""A copy of a store that is not a file: table by table, in plain SQL."""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from caso.errors import StoreError
from caso.store import schema
from caso.store.engine import CHUNK, Database, chunks
from caso.store.upgrading import revision_of, too_new


def copy_tables(source: Database, target: Database) -> bool:
    """Fill the empty store ``target`` from ``source``, which is only read; False where there is nothing to copy."""
    with source.read() as old:
        revision = revision_of(old)
        if revision is None:
            return False
        if revision > schema.HEAD:
            raise StoreError(too_new(old, source.name, revision, schema.HEAD))
        if revision != schema.HEAD:
            raise StoreError(
                f"store {source.name}: its tables are of revision {revision}, not {schema.HEAD}; a real run migrates them first"
            )
        with target.write() as new:
            new.execute(delete(schema.meta))
            # Referred to before referring.
            for table in schema.metadata.sorted_tables:
                # Not all of a table in memory, as drivers of servers would have it.
                found = old.execute(select(table), execution_options={"yield_per": CHUNK})
                for rows in chunks(found.mappings()):
                    new.execute(insert(table), [dict(row) for row in rows])
    return True
