"""What the tests of all dialects share: golden files, records of any text, hosts in other time zones."""

import os
from pathlib import Path

from hypothesis import strategies as st

from caso.errors import RejectedError
from tests.unit.wire.test_text import ANY_TEXT

GOLDEN = Path(__file__).parents[2] / "golden"
REWRITE = "CASO_REWRITE_GOLDEN"
"""Set this variable to write the golden files anew; then read the difference, and say in the commit why."""


def check_golden(name, message):
    path = GOLDEN / name
    if os.environ.get(REWRITE):
        path.write_bytes(message)
    assert message == path.read_bytes()


def texts(names):
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, ANY_TEXT))


def carried(write, records):
    """What is left after the refused records are taken out, and its message."""
    try:
        return records, write(records)
    except RejectedError as exc:
        left = [record for record in records if record.key not in exc.reasons]
        return left, write(left) if left else None
