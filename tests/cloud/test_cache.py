"""Folders made once: by one process, complete or not at all."""

import threading
from pathlib import Path

import pytest

from tests.cloud.cache import cached


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASO_TEST_CACHE", str(tmp_path))


def test_a_folder_is_built_once_for_all_who_want_it() -> None:
    builds = []

    def build(folder: Path) -> None:
        builds.append(folder)
        (folder / "file").write_text("content")

    threads = [threading.Thread(target=cached, args=("thing", "key", build)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(builds) == 1
    assert (cached("thing", "key", build) / "file").read_text() == "content"


@pytest.mark.parametrize("in_place", [False, True])
def test_an_interrupted_build_leaves_nothing_behind(in_place: bool) -> None:
    def interrupted(folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached("thing", "key", interrupted, in_place=in_place)
    folder = cached("thing", "key", lambda f: f.mkdir(exist_ok=True), in_place=in_place)

    assert [path.name for path in folder.iterdir()] == [".complete"]
