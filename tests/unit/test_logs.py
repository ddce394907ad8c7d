"""What the log says of foreign words, as oslo.log writes it: into a file, as JSON, and on standard error."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

TELLS = r"""
import logging, sys
from caso import config
from caso.cli.logs import set_up_logging

set_up_logging(config.build(["--debug", *sys.argv[1:]], "caso-extract", files=[]))
try:
    raise ValueError("a\x1b[31mred\n2026-11-21 20:00:00 ERROR forged http://caso:hun@ter2@host/v3")
except ValueError:
    logging.getLogger("caso").exception("of %s from %s", "\x1b[2J\r", "http://caso:hunter2@host/v3")
"""


def told(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", TELLS, *arguments], check=True, capture_output=True, text=True)
    return done.stderr


@pytest.mark.parametrize("place", ["file", "standard error"])
def test_an_exception_forges_no_line_draws_nothing_and_tells_no_password(place: str, tmp_path: Path):
    said = told(f"--log-file={tmp_path}/log") if place == "file" else told()

    text = said if place == "standard error" else (tmp_path / "log").read_text()
    first, *trace = text.splitlines()
    assert "of \ufffd[2J\ufffd from http://host/v3" in first
    assert "Traceback" in trace[0]
    assert [line for line in trace if line.strip() and not line.startswith("    ")] == []
    assert [letter for letter in text if not letter.isprintable() and letter != "\n"] == []
    assert "hun" not in text


def test_a_log_of_json_is_one_object_for_each_message(tmp_path: Path):
    conf = tmp_path / "caso.conf"
    conf.write_text("[DEFAULT]\nuse_json = true\n")
    told(f"--config-file={conf}", f"--log-file={tmp_path}/log")

    (line,) = (tmp_path / "log").read_text().splitlines()

    assert "ValueError: a\ufffd[31mred" in json.loads(line)["message"]
    assert "hunter2" not in line
