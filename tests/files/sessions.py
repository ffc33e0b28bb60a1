"""Sessions of small layers, written as the autosave does."""

import numpy as np

from napari_unet.files.session import SavedLayer

SHAPE = (40, 50)


def write(session, abouts, settings=None):
    """Write a layer for each description; the values of the first are 1, of the second 2."""
    layers = [
        SavedLayer(key=key, arrays={"values": np.full(SHAPE, value, np.uint16)}, about={})
        for value, key in enumerate(abouts, 1)
    ]
    session.write(layers, abouts, settings or {})
