"""Load PyTorch's largest library while the window goes on drawing.

An import holds Python's interpreter lock while the operating system links a library; for libtorch that freezes a
window for about 0.3 s. A foreign call to dlopen lets go of the lock; the import that follows finds the library
loaded.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
from pathlib import Path

LIBRARIES = ("libtorch_cpu.so", "libtorch_cpu.dylib")
RTLD_LAZY = 1


def preload_torch() -> None:
    """Link libtorch without the interpreter lock; where that is not possible the import does it as usual."""
    found = importlib.util.find_spec("torch")
    if os.name != "posix" or found is None or found.origin is None:
        return
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.restype, dlopen.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)
    for name in LIBRARIES:
        path = Path(found.origin).parent / "lib" / name
        if path.exists():
            dlopen(os.fsencode(path), RTLD_LAZY)
