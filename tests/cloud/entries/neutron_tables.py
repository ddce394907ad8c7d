"""Make Neutron's tables from its models: its migrations do not run on SQLite.

Usage: python neutron_tables.py FILE
"""

import sys

from neutron.db.migration.models import head
from sqlalchemy import create_engine

head.get_metadata().create_all(create_engine(f"sqlite:///{sys.argv[1]}"))
