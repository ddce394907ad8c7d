"""From a configuration to what caso-api is told."""

from datetime import UTC, datetime, timedelta

import pytest

from caso import config
from caso.api.settings import RowRules
from caso.errors import ConfigError
from caso.store import Place, open_store
from caso.testing.entities import seen_server
from caso.wiring import api

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def build(tmp_path, monkeypatch):
    for name in ("OS_CLOUD", "OS_AUTH_URL"):
        monkeypatch.delenv(name, raising=False)

    def built(text, *arguments):
        file = tmp_path / "caso.conf"
        file.write_text(text)
        return config.build([f"--config-file={file}", *arguments], "caso-api", files=[])

    return built


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/caso.sqlite") as opened:
        yield opened


OWN = """
[api]
max_body_bytes = 2048
[entities]
instance_existence_threshold = 1
volume_existence_threshold = 2
instance_metadata = a,b
instance_image_meta = c
"""


def test_rows_are_made_by_almanach_s_rules_unless_told_otherwise(build, store):
    plain, own = (api.settings(build(text), store) for text in ("", OWN))

    assert (plain.rules, plain.place, plain.max_body_bytes) == (RowRules(), None, 1024 * 1024)
    second = timedelta(seconds=1)
    assert own.rules == RowRules(second, 2 * second, frozenset("ab"), frozenset("c"))
    assert own.max_body_bytes == 2048


@pytest.mark.parametrize(
    ("text", "known", "region"),
    [
        ("[api]\nregion_name = mine\n[DEFAULT]\nregion_name = one,two\n", ["north"], "mine"),
        ("[DEFAULT]\nregion_name = one,two\n", ["north"], "north"),
        ("[DEFAULT]\nregion_name = one,two\n", ["north", "south"], "one"),
        ("[DEFAULT]\nregion_name = one,two\n", [], "one"),
        ("", ["north"], "north"),
        ("", ["north", "south"], None),
    ],
)
def test_new_things_are_where_the_configuration_or_the_store_says(build, store, text, known, region):
    for name in known:
        store.observe(Place("", name), [seen_server(at=AT)], by="nova")

    place = api.place_of(build(text), store)

    assert place == (Place("", region) if region else None)


@pytest.mark.parametrize(
    ("text", "arguments", "why"),
    [
        ("[auth]\nprivate_key = secret\n", [], "everybody knows"),
        ("[auth]\nprivate_key = long\n", ["--dry-run"], "--dry-run"),
    ],
)
def test_what_cannot_be_offered_opens_no_store(build, tmp_path, text, arguments, why):
    conf = build(f"[DEFAULT]\nspooldir = {tmp_path}/spool\n{text}", *arguments)

    with pytest.raises(ConfigError, match=why), api.application(conf):
        pass

    assert not (tmp_path / "spool").exists()
