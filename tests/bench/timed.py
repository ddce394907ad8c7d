"""``python -IS timed.py CORE LOG COMMAND...``: run a command on one core (-1: any), and print what it cost as JSON.

What the command prints goes to LOG. A process counts the memory of the one that it was made by as its own peak: so
whoever measures has to be small, and imports nothing that is large.
"""

import json
import os
import sys
import time


def main(core: int, log: str, command: list[str]) -> None:
    if core >= 0:
        os.sched_setaffinity(0, {core})
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    began = time.monotonic()
    actions = [(os.POSIX_SPAWN_DUP2, file, stream) for stream in (1, 2)]
    _, status, usage = os.wait4(os.posix_spawn(command[0], command, os.environ, file_actions=actions), 0)
    cost = {
        "status": os.waitstatus_to_exitcode(status),
        "seconds": time.monotonic() - began,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mib": usage.ru_maxrss / 1024,
    }
    print(json.dumps(cost))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
