import subprocess
import sys
import threading

import pytest

from caso.extractors.together import together


def test_all_are_asked_at_the_same_time_and_answers_come_in_their_order():
    all_here = threading.Barrier(3, timeout=60)

    assert together(lambda one: (all_here.wait() >= 0, one), "abc") == [(True, "a"), (True, "b"), (True, "c")]


def test_what_one_raises_is_raised_once_all_have_ended():
    ended = []

    def ask(one):
        if one == "a":
            raise LookupError(one)
        ended.append(one)

    with pytest.raises(LookupError, match="a"):
        together(ask, "abc")
    assert sorted(ended) == ["b", "c"]


def test_a_question_that_is_never_answered_does_not_keep_a_process_alive():
    program = """if True:
        import threading, time
        from caso.extractors.together import together
        threading.Thread(target=together, args=(lambda one: time.sleep(3600), "ab"), daemon=True).start()
        time.sleep(0.5)
        assert threading.active_count() == 4
    """
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0
