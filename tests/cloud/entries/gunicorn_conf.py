"""How gunicorn serves each application: one process with threads, dying with its starter."""

import ctypes
import os
import signal

workers = 1
worker_class = "gthread"
threads = 4
keepalive = 300
timeout = 300
graceful_timeout = 1
limit_request_line = 0  # Nova asks Neutron for a page of servers in one URL of several kB
control_socket_disable = True

PR_SET_PDEATHSIG = 1


def on_starting(_arbiter):
    """Be terminated when the process which started us ends, in whatever way it does."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(os.environ["CLOUD_STARTER"]):
        raise SystemExit("the starter has gone already")


def child_exit(server, _worker):
    """End with the only worker: one which cannot start would be started again for ever."""
    os.kill(server.pid, signal.SIGTERM)
