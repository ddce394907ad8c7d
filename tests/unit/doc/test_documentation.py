"""What the documentation says of options, files, tables and commands is what the program has."""

import functools
import io
import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from rich.console import Console

from caso import config, wiring
from caso.cli import ledger_arguments, screen, tables
from caso.delivery import Delivery
from caso.report import Report
from caso.store import Tally
from tests.unit.doc.pages import PAGES, ROOT, SOURCE, ini_blocks, unknown_options

EXTENDING = SOURCE / "extending.rst"
"""Names the plug-ins of the example package, which tests/contract installs and tries."""
OPTION = re.compile(r"--[a-z][a-z_-]+|(?<![\w-])-[a-z](?![\w-])")


CONFIGURATIONS = [
    *(
        pytest.param(text, id=f"{page.stem}-{n}")
        for page in PAGES
        for n, text in enumerate(ini_blocks(page))
        if page != EXTENDING
    ),
    pytest.param((SOURCE / "caso.conf").read_text(encoding="utf-8"), id="configuration"),
]


SUBCOMMANDS = {"caso-ledger": ledger_arguments.SUBCOMMANDS}
"""Of the commands that have some."""


def help_of(command: str, capsys: pytest.CaptureFixture[str], *subcommand: str) -> set[str]:
    """The options that the --help of a command, or of one of its sub-commands, lists."""
    with pytest.raises(SystemExit):
        config.build([*subcommand, "--help"], command, files=[], subcommands=SUBCOMMANDS.get(command))
    lines = re.findall(r"^  (-[^\n]*)", capsys.readouterr().out, re.MULTILINE)
    return {spelled(name) for line in lines for name in OPTION.findall(line.split("   ")[0])}


def spelled(option: str) -> str:
    return option.replace("_", "-")


@pytest.mark.parametrize(
    "command",
    [
        "caso-almanach-import",
        "caso-api",
        "caso-collect",
        "caso-doctor",
        "caso-explain",
        "caso-extract",
        "caso-ledger",
        "caso-projects",
        "caso-reconcile",
    ],
)
def test_every_option_of_a_command_is_in_its_manual_page_and_no_other(command: str, capsys: pytest.CaptureFixture[str]):
    page = (SOURCE / "man" / f"{command}.rst").read_text(encoding="utf-8")
    common = (SOURCE / "man" / "options.txt").read_text(encoding="utf-8")
    own = page.split(f".. program:: {command}\n")[1].replace(".. include:: options.txt\n", common)
    documented = options_in(own)

    aliases = {"--log-config"}  # argparse lists it twice, in two spellings
    assert documented - aliases == help_of(command, capsys) - aliases


NAMES = ("list", "show", "rejected", "retry", "replay", "forget")
"""The sub-commands of caso-ledger."""


@pytest.mark.parametrize("name", NAMES)
def test_every_option_of_a_sub_command_is_in_its_section_of_the_manual_page_and_no_other(
    name: str, capsys: pytest.CaptureFixture[str]
):
    page = (SOURCE / "man" / "caso-ledger.rst").read_text(encoding="utf-8")
    section = page.split(f".. program:: caso-ledger {name}\n")[1].split(".. program::")[0]

    assert options_in(section) == help_of("caso-ledger", capsys, name)


def options_in(text: str) -> set[str]:
    """The options that a page, or a part of one, explains."""
    lines = re.findall(r"^\.\. option:: (.*)", text, re.MULTILINE)
    return {spelled(name) for line in lines for name in OPTION.findall(line)}


def test_every_option_says_what_it_is_for():
    silent = [f"[{group}] {option.name}" for group, options in config.list_opts() for option in options if not option.help]

    assert silent == []


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_every_configuration_in_the_documentation_is_one_that_caso_takes(text: str, tmp_path: Path):
    (tmp_path / "caso.conf").write_text(text)

    assert unknown_options(text) == []
    assert config.build([], "caso-extract", files=[str(tmp_path / "caso.conf")])


def test_the_tutorials_configuration_makes_a_job_but_for_the_cloud(tmp_path: Path):
    text = next(ini_blocks(SOURCE / "tutorial.rst"))
    (tmp_path / "caso.conf").write_text(text)

    conf = config.build([], "caso-extract", files=[str(tmp_path / "caso.conf")])

    assert wiring.period_of(conf, datetime.now(UTC)).since is None
    assert (conf.site_name, conf.messengers, conf.ssm.output_path) == (
        "EXAMPLE-SITE",
        ["ssm"],
        "/var/spool/apel/outgoing/openstack",
    )


def test_the_tables_in_the_tutorial_have_the_columns_that_the_program_prints():
    output = io.StringIO()
    console = Console(file=output, width=300)
    screen.projects([], [], ["nova"], datetime.now(UTC), console)
    tables.totals([], console)
    screen.preview(Report(), console)
    screen.summary(Report(deliveries=[Delivery("ssm", 0, 0, Tally(0, 0, 0))]), console)

    shown = headers((SOURCE / "tutorial.rst").read_text(encoding="utf-8"))

    assert shown == headers(output.getvalue())


def headers(text: str) -> set[tuple[str, ...]]:
    """The header of every table in a text: what stands above a line."""
    lines = [line.strip() for line in text.splitlines()]
    return {tuple(re.split(r"\s{2,}", above)) for above, line in pairwise(lines) if line and set(line) == {"─"}}


def test_the_commands_of_the_readme_are_targets_of_the_makefile():
    commands = set(re.findall(r"make ([a-z-]+)", (ROOT / "README.rst").read_text(encoding="utf-8")))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    assert {"demo", "test"} <= commands <= targets


def test_the_links_of_the_readme_lead_to_files():
    links = re.findall(r"<([^>:]+)>`_", (ROOT / "README.rst").read_text(encoding="utf-8"))

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("page", [path for path in PAGES if path.stem != "changelog"], ids=lambda path: path.stem)
def test_every_option_that_a_page_names_exists(page: Path, capsys: pytest.CaptureFixture[str]):
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"caso-(?:extract|projects)(?: [^`\n|;]*)", text))
    options = {spelled(option) for command in named for option in re.findall(r"(?<= )--[a-z][a-z_-]+", command)}

    assert options <= help_of("caso-extract", capsys) | help_of("caso-projects", capsys)


@pytest.mark.parametrize(
    "page", [path for path in PAGES if "caso-ledger" in path.read_text(encoding="utf-8")], ids=lambda path: path.stem
)
def test_every_option_of_a_sub_command_that_a_page_names_exists(page: Path, capsys: pytest.CaptureFixture[str]):
    known = help_of("caso-ledger", capsys)
    for words in re.findall(r"(?<=caso-ledger )[^`\n|;]*", page.read_text(encoding="utf-8")):
        (name,) = [word for word in words.split() if word in NAMES] or [""]
        options = {spelled(option) for option in re.findall(r"(?<![\w-])--[a-z][a-z_-]+", words)}
        assert options <= known | (help_of("caso-ledger", capsys, name) if name else set())


def test_the_messages_that_are_explained_are_those_that_the_program_has():
    page = (SOURCE / "operating.rst").read_text(encoding="utf-8")
    section = page[page.index("\nMessages\n====") : page.index("\nExtracting the past again\n")]
    shown = [text for line in re.findall(r"^``.*``$", section, re.MULTILINE) for text in re.findall(r"``(.+?)``", line)]

    missing = [text for text in shown if not all(piece in program_text() for piece in fixed_pieces(text))]

    assert len(shown) > 15
    assert missing == []


def fixed_pieces(message: str) -> list[str]:
    """The parts of a message of two words and more that are the same whatever it is about.

    >>> fixed_pieces("project NAME (ID) has no VO and is left undone")
    ['has no VO and is left undone']
    """
    pieces = re.split(r"\.\.\.|\(.*?\)|'.*?'|\b(?:NAME|ID|nova|server|ssm|cloud)\b|\d+|[/:;]", message)
    return [piece.strip() for piece in pieces if len(piece.split()) > 1]


@functools.cache
def program_text() -> str:
    """The source of caso, with texts that go over several lines joined."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "caso").rglob("*.py")))
    return re.sub(r'"\s*\n\s*f?"', "", source)
