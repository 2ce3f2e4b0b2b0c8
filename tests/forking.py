"""Forks of the process that runs the tests."""

import gc
import os
import signal

_SECONDS = 20


def fork() -> int:
    """Do as `os.fork`, with a child that ends by itself and collects no garbage.

    Among what it inherited may be clients of other tests that wait, when they are collected, for threads that are not
    there.
    """
    gc.disable()
    child = os.fork()
    if child == 0:
        signal.alarm(_SECONDS)
    else:
        gc.enable()
    return child
