"""What tests of autosave and Restore share: paint, a look of the autosave, a crash; and of Export."""

import numpy as np
import tifffile

from napari_unet.files.session import former_sessions
from napari_unet.widgets.viewer.annotation_layers import new_annotation_layer
from napari_unet.widgets.viewer.layers import read_layer
from tests.widgets.conftest import click, wait_until_done


def look(saver, qtbot):
    """Let the autosave look once, and wait until it wrote."""
    saver.look()
    qtbot.waitUntil(lambda: not saver._writing, timeout=300000)


def paint_on(viewer, image, value=2):
    layer = new_annotation_layer(viewer, image, read_layer(image))
    layer.data_setitem(np.nonzero(np.indices(layer.data.shape).sum(0) == 20), value)
    return layer


def open_image(viewer, path, shape=(32, 48)):
    tifffile.imwrite(path, np.zeros(shape, np.uint8))
    [image] = viewer.open(path)
    return image


def crash(monkeypatch):
    """Let every session be one of a window that is gone."""
    monkeypatch.setattr("napari_unet.files.session.Session.is_open", False)
    [session] = former_sessions()
    return session


def export(qtbot, panel, path):
    """Type a file name into the Export panel and press its button."""
    panel.path.setText(str(path))
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
