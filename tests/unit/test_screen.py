"""What a person sees at the end of a run."""

import io
import re

from rich.console import Console

from caso.cli import screen
from caso.delivery import Preview
from caso.differences import What
from caso.errors import DeliveryError, SourceError
from caso.projects import Project
from caso.report import Report
from caso.store import Checkpoint, Scope
from caso.testing.servers import FakeCompute
from tests.unit.cloudlet import T1, T2, Cloudlet, servers


def shown(report, width=80):
    output = io.StringIO()
    screen.summary(report, Console(file=output, width=width))
    return output.getvalue()


def test_the_tables_of_a_run_fit_on_80_columns_and_name_each_project_and_messenger(tmp_path):
    text = shown(Cloudlet(tmp_path).run(T1))

    for word in ("alpha", "beta", "nova", "2024-03-01 00:00", "2024-03-10 11:00", "ssm", "Accepted"):
        assert word in text
    assert "Error" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_what_would_be_sent_fits_on_80_columns_with_all_titles_and_numbers_whole():
    counts = {What.CHANGED: 12, What.LONGER: 12345}
    rows = [Preview("ssm", "p1", "vo0.example.org", "accelerator", counts)]
    output = io.StringIO()

    screen.preview(Report(preview=rows), Console(file=output, width=80))

    lines = [line.split() for line in output.getvalue().splitlines()]
    assert ["Project", "VO", "Kind", *(what.capitalize() for what in What)] in lines
    assert any(line[-6:] == ["accelerator", "0", "12", "0", "0", "12345"] for line in lines)


def test_a_dry_run_names_messengers_where_there_are_several():
    rows = [Preview(name, "p1", "vo", "cloud", {What.NEW: 1}) for name in ("ssm", "logstash")]
    output = io.StringIO()

    screen.preview(Report(preview=rows), Console(file=output, width=80))

    assert "ssm" in output.getvalue()
    assert "logstash" in output.getvalue()


def test_what_went_wrong_stands_in_the_row_that_it_happened_to(tmp_path):
    cloudlet = Cloudlet(tmp_path)
    cloudlet.run(T1)

    text = shown(cloudlet.run(T2, compute=FakeCompute(servers(T2), page_size=2, fail_on_page=2)), width=200)

    failed = [line for line in text.splitlines() if "503" in line]
    assert len(failed) == 1
    assert "alpha" in failed[0]


def test_a_run_with_nothing_to_ask_says_why(tmp_path):
    cloudlet = Cloudlet(tmp_path)
    cloudlet.run(T1)

    assert "extracted already" in shown(cloudlet.run(T1))
    assert "extracted already" not in shown(Report(trouble=SourceError("keystone is down")))


def test_extractors_that_have_come_equally_far_share_a_row_and_those_that_never_have_stand_apart():
    project = Project("p1", "alpha", "ops", "property VO")
    ends = {("neutron", "One"): T1, ("nova", "One"): T1, ("nova", "Two"): T2}
    marks = [Checkpoint(Scope("", region, "p1", name), None, None, until, "ops", None) for (name, region), until in ends.items()]
    output = io.StringIO()

    screen.projects([project], marks, ["nova", "cinder", "neutron"], T2, Console(file=output, width=150))

    rows = [re.split(r"\s{2,}", line.strip())[4:] for line in output.getvalue().splitlines() if "alpha" in line]
    assert rows == [
        ["nova, neutron", "One", f"{T1:%Y-%m-%d %H:%M}", str(T2 - T1)],
        ["nova", "Two", f"{T2:%Y-%m-%d %H:%M}", "0:00:00"],
        ["cinder", "-", "never", "-"],
    ]


def test_a_long_error_is_cut_to_its_first_clause():
    assert str(screen._brief(DeliveryError("the disk is full; make room; and more"))) == "the disk is full"


def test_names_from_the_cloud_can_draw_nothing():
    assert str(screen.plain("a\x1b[31mred\x07[bold]")) == "a\ufffd[31mred\ufffd[bold]"
