import contextlib
import os
import stat
import threading
import time
from pathlib import Path

import pytest
from dirq.QueueSimple import QueueSimple

from caso.messengers.outgoing import ATTEMPTS, MINUTE, OutgoingQueue, open_to_group
from tests.limits import files_end_after


def elements(root):
    """What a reader of the queue finds, in its order."""
    queue = QueueSimple(str(root))
    found = []
    for name in queue:
        assert queue.lock(name)
        found.append(queue.get(name))
        queue.unlock(name)
    return found


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.fixture
def synced(monkeypatch):
    """Each fsync: the path, and the legal names that were in the queue by then."""
    done, fsync = [], os.fsync

    def noting(descriptor):
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        root = next(parent for parent in (path, *path.parents) if parent.name == "queue" or parent == Path("/"))
        done.append((path, [name.name for name in root.glob("*/*") if not name.suffix]))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    return done


def test_a_reader_gets_the_messages_as_they_were_and_in_their_order(tmp_path):
    queue = OutgoingQueue(tmp_path / "queue")

    for number in range(20):
        queue.add(b"message %d" % number)

    assert elements(tmp_path / "queue") == [b"message %d" % number for number in range(20)]


def test_only_owner_and_group_can_read_and_write_whatever_the_umask(tmp_path, umask):
    root = tmp_path / "spool" / "queue"

    name = OutgoingQueue(root).add(b"a message")

    directories = [tmp_path / "spool", root, (root / name).parent]
    assert [mode(path) for path in directories] == [0o770] * 3
    assert mode(root / name) == 0o660


def test_a_directory_that_was_there_keeps_its_mode(tmp_path):
    tmp_path.chmod(0o755)

    OutgoingQueue(tmp_path).add(b"a message")

    assert mode(tmp_path) == 0o755


def test_a_link_in_place_of_this_minutes_directory_leads_no_message_and_no_mode_elsewhere(tmp_path):
    secret, root = tmp_path / "secret", tmp_path / "queue"
    secret.mkdir(mode=0o700)
    root.mkdir()
    now = int(time.time()) // MINUTE * MINUTE
    for minute in (now, now + MINUTE):
        (root / f"{minute:08x}").symlink_to(secret)

    with pytest.raises(OSError, match="it is a symbolic link"):
        OutgoingQueue(root).add(b"a message")
    with pytest.raises(OSError, match="directory"):
        open_to_group(root / f"{now:08x}")

    assert list(secret.iterdir()) == []
    assert mode(secret) == 0o700


def test_nothing_is_made_before_there_is_a_message(tmp_path):
    OutgoingQueue(tmp_path / "queue")

    assert list(tmp_path.iterdir()) == []


def test_a_message_is_on_disk_before_it_has_a_name_and_its_name_before_add_returns(tmp_path, synced):
    root = tmp_path / "new" / "queue"

    name = OutgoingQueue(root).add(b"a message")

    message = (root / name).name
    made, written, named = [tmp_path, tmp_path / "new"], root / name, [(root / name).parent, root]
    assert [path for path, _ in synced[:2]] == made
    assert synced[2][0].parent == written.parent
    assert synced[2][0].suffix == ".tmp"
    assert synced[2][1] == []
    assert synced[3:] == [(path, [message]) for path in named]


def test_no_other_file_is_left_in_the_queue(tmp_path):
    name = OutgoingQueue(tmp_path).add(b"a message")

    assert [str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*")] == [name]
    assert (tmp_path / name).stat().st_nlink == 1


def test_a_message_that_does_not_fit_leaves_nothing_behind(tmp_path):
    queue = OutgoingQueue(tmp_path)
    queue.add(b"a message")

    with files_end_after(1000), pytest.raises(OSError, match="File too large"):
        queue.add(b"x" * 5000)

    assert elements(tmp_path) == [b"a message"]
    assert [path.suffix for path in tmp_path.glob("*/*")] == [""]


def test_what_a_crash_left_half_written_is_not_read_and_goes_with_the_next_purge(tmp_path):
    # given: the process died after it wrote its temporary file
    queue = OutgoingQueue(tmp_path)
    name = queue.add(b"a message")
    leftover = (tmp_path / name).with_name("0123456789abcd.tmp")
    leftover.write_bytes(b"half a mess")
    long_ago = time.time() - 3600
    os.utime(leftover, (long_ago, long_ago))

    # when: ssmsend has its turn
    read = elements(tmp_path)
    QueueSimple(str(tmp_path)).purge()

    # then
    assert read == [b"a message"]
    assert not leftover.exists()


def test_purges_that_remove_every_empty_directory_at_any_moment_lose_nothing(tmp_path):
    # given: somebody who purges more eagerly than ssmsend, which spares the newest directory
    queue, done = OutgoingQueue(tmp_path), threading.Event()
    sent = []

    def drain_and_purge():
        while not done.is_set():
            for directory in tmp_path.iterdir():
                for path in directory.iterdir():
                    if not path.suffix:
                        sent.append(path.read_bytes())
                        path.unlink()
                with contextlib.suppress(OSError):  # it holds a temporary file
                    directory.rmdir()

    reader = threading.Thread(target=drain_and_purge)

    # when
    reader.start()
    for number in range(50):
        queue.add(b"%d" % number)
    done.set()
    reader.join()

    # then
    assert {int(message) for message in sent + elements(tmp_path)} == set(range(50))


@pytest.mark.parametrize("purges", [3, 99])
def test_a_purge_between_making_a_directory_and_writing_to_it_is_tried_over_some_times(tmp_path, monkeypatch, purges):
    # given: the directory is gone again, so many times, when the temporary file is to be opened in it
    left, really_open = iter(range(purges)), os.open

    def purge_and_open(path, *args, **kwargs):
        if str(path).endswith(".tmp") and next(left, None) is not None:
            path.parent.rmdir()
        return really_open(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", purge_and_open)
    queue = OutgoingQueue(tmp_path)

    # when, then
    if purges > ATTEMPTS:
        with pytest.raises(FileNotFoundError):
            queue.add(b"a message")
    else:
        queue.add(b"a message")
        assert elements(tmp_path) == [b"a message"]


def test_a_queue_that_was_taken_away_is_made_again(tmp_path):
    root = tmp_path / "queue"
    queue = OutgoingQueue(root)
    first = queue.add(b"one")
    (root / first).unlink()
    (root / first).parent.rmdir()
    root.rmdir()

    queue.add(b"two")

    assert elements(root) == [b"two"]
