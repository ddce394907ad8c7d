"""How the tables of an older caso become those of this one (alembic)."""
