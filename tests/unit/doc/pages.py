"""What stands in the pages of the documentation."""

import configparser
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from oslo_config import cfg
from oslo_log import log

from caso import config
from caso.api import keystone

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "doc" / "source"
PAGES = sorted(path for path in SOURCE.rglob("*.rst"))


def ini_blocks(page: Path) -> Iterator[str]:
    """Every block of a page that is captioned as (a part of) caso.conf."""
    pattern = r"^( *)\.\. code-block:: ini\n\1   :caption: [^\n]*caso\.conf[^\n]*\n\n((?:\1   [^\n]*\n|\n)+)"
    for match in re.finditer(pattern, page.read_text(encoding="utf-8"), re.MULTILINE):
        yield textwrap.dedent(match[2])


def unknown_options(text: str) -> list[str]:
    """The options of a configuration file that no part of caso reads: oslo.config passes over them without a word."""
    parser = configparser.ConfigParser(interpolation=None, default_section="no such section")
    parser.read_string(text)
    known = _known_options()
    return [f"[{group}] {name}" for group in parser.sections() for name in parser[group] if name not in known.get(group, ())]


def _known_options() -> dict[str, set[str]]:
    groups = {group or "DEFAULT": {option.dest for option in options} for group, options in config.list_opts()}
    logging = cfg.ConfigOpts()
    log.register_options(logging)
    groups["DEFAULT"] |= set(logging)
    # Those of keystonemiddleware, and of whatever logs in.
    groups[keystone.GROUP] = {option.dest for option in keystone.options()} | groups["keystone_auth"]
    return groups
