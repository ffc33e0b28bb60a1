"""A user's session in a process of its own: open a sample, Segment, correct with the brush, Fine-tune."""

import sys
import time

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

PLUGIN = "napari-unet-interactive"


def wait_for(done, seconds=300):
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it takes too long"
        QApplication.processEvents()
        time.sleep(0.01)


def run(panel):
    panel.job.start_button.click()
    wait_for(lambda: not panel.job.is_running)
    print(panel.job.status.text(), flush=True)


viewer = napari.Viewer()
_, segment = viewer.window.add_plugin_dock_widget(PLUGIN, "Segment")
_, fine_tune = viewer.window.add_plugin_dock_widget(PLUGIN, "Fine-tune")
viewer.open_sample(PLUGIN, "u2os")
run(segment)
wait_for(lambda: isinstance(viewer.layers[-1], napari.layers.Labels))
labels = viewer.layers[-1]
wait_for(lambda: labels.visible and labels.loaded)
QApplication.processEvents()
assert labels.data.max() > 50
ids = np.unique(labels.data)[1:8]
for number in ids:
    labels.data_setitem(np.nonzero(labels.data == number), 0)
QApplication.processEvents()
fine_tune.form.seconds.setValue(4)
run(fine_tune)
assert fine_tune.trial.outcome is not None
brought = [name for name in ("triton", "torch._dynamo") if name in sys.modules]
assert not brought, brought
viewer.close()
print("the session ended well", flush=True)
