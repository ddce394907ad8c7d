"""What a person is told who ends a command with Ctrl-C."""

from datetime import UTC, datetime

import pytest

from caso.attempt import interrupted
from caso.cli.base import command
from caso.planning import Period

NOW = datetime(2026, 11, 21, tzinfo=UTC)
REGULAR = Period(NOW, NOW)
PAST = Period(NOW, NOW, since=datetime(2026, 8, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("period", "dry_run", "said"),
    [
        (REGULAR, False, "the next run goes on from there"),
        (PAST, False, "say the same again with --resume"),
        (PAST, True, "nothing was changed"),
    ],
    ids=["regular", "past", "dry run"],
)
def test_an_interrupted_run_says_how_it_is_gone_on_with(period, dry_run, said):
    assert said in interrupted(period, dry_run=dry_run)


@pytest.mark.parametrize(("why", "said"), [("kept", "kept"), ("", "interrupted")])
def test_a_command_that_keeps_nothing_promises_nothing(tmp_path, capsys, why, said):
    def act(conf):
        raise KeyboardInterrupt(why)

    (tmp_path / "caso.conf").write_text("")

    status = command("caso-extract", act, [f"--config-file={tmp_path}/caso.conf"])

    assert (status, capsys.readouterr().err) == (1, f"caso-extract: {said}\n")
