"""What runs against the real cloud leave for those who watch them."""

import json
from collections import Counter
from pathlib import Path

from tests.cloud import Cloud, Fault
from tests.functional.driver import Site
from tests.functional.test_commands import command
from tests.unit.test_metrics import parsed

UNTIL = "caso_scope_until_timestamp_seconds"


def test_metrics_and_summaries_agree_with_what_the_cloud_saw_and_with_what_failed(cloud: Cloud, tmp_path: Path):
    site = Site(tmp_path, cloud, "reader")
    textfile = tmp_path / "caso.prom"
    site.conf.write_text(f"{site.conf.read_text()}\n[metrics]\ntextfile = {textfile}\n")
    first, second = cloud.truth.project("project-0"), cloud.truth.project("project-1")
    words = ["caso-extract", f"--config-file={site.conf}", f"--log-file={tmp_path}/caso.log", "--caso-tag="]

    with cloud.calls() as calls:
        well = command(*words, f"--projects={first.id},{second.id}").returncode
    healthy = parsed(textfile.read_bytes())
    cloud.faults.add(Fault(service="cinder", path="/volumes/detail", status=403))
    ill = command(*words, f"--projects={first.id}").returncode
    broken = parsed(textfile.read_bytes())

    assert (well, ill) == (0, 1)
    asked = calls.by_service()
    assert {api: healthy["caso_run_api_requests", (api,)] for api in asked} == asked
    # A busy Cinder may answer 503 by itself, and is asked again.
    failed = Counter(call.service for call in calls if call.status is None or call.status >= 400)
    assert {api: healthy["caso_run_api_failed_requests", (api,)] for api in asked} == {api: failed[api] for api in asked}
    assert healthy["caso_run_records", ("cloud", "new")] == healthy["caso_messenger_records", ("cloud", "ssm", "accepted")] > 0
    assert broken["caso_run_errors", ("DeniedError",)] == 1
    assert broken["caso_run_api_failed_requests", ("cinder",)] == 1
    marks = [labels for name, labels in healthy if name == UNTIL]
    stayed = {(extractor, name) for _, extractor, name, _, _ in (m for m in marks if broken[UNTIL, m] == healthy[UNTIL, m])}
    assert len(marks) == 6
    assert stayed == {("cinder", "project-0"), *((extractor, "project-1") for extractor in ("cinder", "neutron", "nova"))}
    lines = [line.partition(" run: ")[2] for line in (tmp_path / "caso.log").read_text().splitlines() if " run: " in line]
    summaries = [json.loads(line) for line in lines]
    assert [summary["exit_status"] for summary in summaries] == [0, 1]
    assert {api: one["requests"] for api, one in summaries[0]["calls"].items()} == asked
