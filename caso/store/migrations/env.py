"""Run by alembic: migrates on the connection that it is given, inside its transaction."""

from __future__ import annotations

from alembic import context

# SQLite knows little of ALTER TABLE: alembic rewrites the table there ("batch").
context.configure(connection=context.config.attributes["connection"], render_as_batch=True)
context.run_migrations()
