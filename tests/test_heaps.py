"""The heaps of a process, as glibc itself counts them."""

import platform
import subprocess
import sys

import pytest

COUNTED = """
import ctypes, sys, threading
from api.heaps import few_heaps
asked = few_heaps() if sys.argv[1] == "few" else None
together = threading.Barrier(12)
def work():
    together.wait()
    held = [bytes(5_000) for _ in range(200)]
    together.wait()
threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc = ctypes.CDLL(None)
libc.fopen.restype, libc.fopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_char_p]
libc.malloc_info.argtypes, libc.fclose.argtypes = [ctypes.c_int, ctypes.c_void_p], [ctypes.c_void_p]
file = libc.fopen(b"/dev/stdout", b"w")
libc.malloc_info(0, file)
libc.fclose(file)
print(asked)
"""


def heaps(chosen: str) -> tuple[int, str]:
    """Return how many heaps a process with twelve threads ends up with, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", COUNTED, chosen], capture_output=True, text=True, check=True
    )
    return done.stdout.count("<heap nr="), done.stdout.splitlines()[-1]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_twelve_threads_share_two_heaps() -> None:
    assert heaps("few") == (2, "True")
    many, _ = heaps("as they come")
    assert many > 2
