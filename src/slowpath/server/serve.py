"""The server as a process: messages on the stdin and stdout that it was started with, and nothing else there."""

from __future__ import annotations

import logging
import os
import sys

from slowpath.server.analyst import Opened
from slowpath.server.app import Slowpath
from slowpath.server.handlers import register
from slowpath.workers import collect_rarely

SWITCH = 0.001
"""Seconds after which an analysis lets the thread of the protocol run."""


def serve(opened: Opened) -> int:
    """Until the client ends it, or its end of the pipe; the exit code."""
    collect_rarely()
    sys.setswitchinterval(SWITCH)
    logging.getLogger("pygls").setLevel(logging.CRITICAL)  # each error goes to the client, in one line
    server = Slowpath(opened)
    register(server)
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # a program that is started must not read what the client says,
    os.dup2(2, 1)  # and what anything prints is no message
    server.start_io(incoming, outgoing)
    return server.code
