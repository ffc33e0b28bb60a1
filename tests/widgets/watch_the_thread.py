"""What the window's own thread imports and hashes while the workspace opens, segments and fine-tunes.

python -m tests.widgets.watch_the_thread MODEL    prints it as JSON, for test_alive.py
"""

import hashlib
import json
import os
import sys
import threading
import time
from dataclasses import replace

import napari
import numpy as np
from napari.qt import get_qapp

from napari_unet.widgets.workspace import MODULES

PLUGIN = "napari-unet-interactive"
PATIENCE = 300
IMPORTED, HASHED, LOADED = [], [], {}


def in_window():
    return threading.current_thread() is threading.main_thread()


class Imports:
    """Finds no module, and notes which ones our modules import in the window's thread; napari's are its own."""

    def find_spec(self, name, path=None, target=None):
        frame = sys._getframe(1)
        while "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        if in_window() and ("napari_unet" in frame.f_code.co_filename or name.startswith("napari_unet")):
            IMPORTED.append(name)


def noting(original):
    def hashed(*arguments, **how):
        if in_window():
            HASHED.append(original.__name__)
        return original(*arguments, **how)

    return hashed


def wait(done):
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end
        get_qapp().processEvents()
        time.sleep(0.005)


def main(model):
    """Open, segment and fine-tune."""
    viewer = napari.Viewer(show=False)
    sys.meta_path.insert(0, Imports())
    dock = viewer.window.add_plugin_dock_widget(PLUGIN, "U-Net workspace")[1]
    wait(lambda: sys.modules.keys() >= set(MODULES) and not dock._imports.is_running)
    for name in ("Teach", "Results", "Batch", "Export"):
        dock.show_tab(name)
    LOADED["opened"] = sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "scipy"})
    hashlib.sha256, hashlib.file_digest = noting(hashlib.sha256), noting(hashlib.file_digest)
    rows, columns = np.indices((64, 64))
    viewer.add_image(np.where((rows - 30) ** 2 + (columns - 30) ** 2 < 80, 200, 20).astype(np.uint8))
    dock.subject.model.choose_file(model)
    segment, teach = dock.panels["Segment"], dock.panels["Teach"]
    segment.job.start_button.click()
    wait(lambda: not segment.job.is_running)
    viewer.layers[-1].data[20:30, 30] = 0
    whole = teach.form.request

    def request(paints):
        asked = whole(paints)
        return replace(asked, settings=asked.settings.replace(iterations=1, batch=1, patch=32, device="cpu"))

    teach.form.request = request
    teach.job.start_button.click()
    wait(lambda: not teach.job.is_running)
    LOADED["worked"] = sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "scipy"})
    said = {"imported": IMPORTED, "hashed": HASHED, "loaded": LOADED, "outcome": teach.outcome.sentence.text()}
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
    os._exit(0)  # napari without an event loop may crash while Python tears it down


if __name__ == "__main__":
    main(sys.argv[1])
