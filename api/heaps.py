"""How the C library of a server shares memory between threads.

>>> few_heaps()
True

glibc gives threads heaps of their own, eight a core, and keeps in each what was freed there. BM25
writes each change from a new thread with a buffer of its own, so that on two cores 30 articles, one
by one, left 200 MiB behind that nobody used; with two heaps it is 40, and answers take as long.
"""

import ctypes
import platform

# From glibc's malloc.h.
_M_ARENA_MAX = -8
_HEAPS = 2


def few_heaps() -> bool:
    """Let all threads share two heaps; return whether this C library can. Call it at the start."""
    if platform.libc_ver()[0] != "glibc":
        return False
    return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _HEAPS))
