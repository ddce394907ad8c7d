"""Months as people write them."""

import pytest

from caso.cli import explain, reconcile
from caso.errors import ConfigError
from caso.window import Month


@pytest.mark.parametrize("text", ["October", "2026-1", "2026-13", "2026-10-01", "", "0000-05", "9999-12", "\u0662026-10"])
def test_what_is_no_month_is_a_sentence(text):
    with pytest.raises(ConfigError, match="is no month; write it like 2026-10"):
        Month.parse(text)


def test_every_month_that_is_taken_has_a_beginning_and_an_end():
    assert all(month.start < month.last_second < month.end for month in (Month.parse("0001-01"), Month.parse("9998-12")))


@pytest.mark.parametrize("main", [explain.main, reconcile.main])
@pytest.mark.parametrize("text", ["2026-1", "0000-05"])
def test_commands_take_no_other_months(main, text, tmp_path, capsys):
    (tmp_path / "caso.conf").write_text("[DEFAULT]\n")
    of_what = ["0c1d2e3f"] if main is explain.main else []

    status = main([f"--config-file={tmp_path}/caso.conf", *of_what, f"--month={text}"])

    assert (status, f"{text!r} is no month" in capsys.readouterr().err) == (2, True)
