"""``python alone.py COMMAND...``: runs it, and prints its seconds, peak memory (MiB), processor time and exit status as JSON.

It is a process of its own because a small one has to start what is measured: the kernel counts what the starter held at that
time as a peak of the started.
"""

import json
import os
import sys
import time


def main() -> None:
    began = time.monotonic()
    pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 1, 2)])
    _, status, usage = os.wait4(pid, 0)
    told = {
        "seconds": time.monotonic() - began,
        "peak_mib": usage.ru_maxrss / 1024,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "status": os.waitstatus_to_exitcode(status),
    }
    print("\n" + json.dumps(told))


if __name__ == "__main__":
    main()
