"""Output of the commands that the documentation shows: real, and kept current."""

import os
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "doc" / "source" / "examples"
REWRITE = "CASO_REWRITE_GOLDEN"
"""Set this variable to write the examples anew; then read the difference, and say in the commit why."""


def check_example(name: str, shown: str) -> None:
    """Fail where the documentation's example ``name`` is not what the command shows."""
    path = EXAMPLES / name
    text = "".join(f"{line.rstrip()}\n" for line in shown.splitlines())
    if os.environ.get(REWRITE):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), (
        f"{path} is not what the command shows any more: run this test with {REWRITE}=1 to write it anew, and read the difference"
    )
