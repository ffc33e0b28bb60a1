"""A napari window with an image and its mask in it: `python -m napari_unet.widgets.window IMAGE MASK`."""

from __future__ import annotations

import sys

import napari

from napari_unet.files.images import read_image, read_labels
from napari_unet.widgets.segment.panel import SegmentPanel


def show_files(image: str, mask: str) -> None:
    """Open napari with image, mask and the Segment panel; return when the window is closed."""
    viewer = napari.Viewer(title="napari_unet demo")
    viewer.add_image(read_image(image).array, name="image")
    viewer.add_labels(read_labels(mask).array, name="mask")
    viewer.window.add_dock_widget(SegmentPanel(viewer), name="Segment")
    napari.run()


if __name__ == "__main__":
    show_files(*sys.argv[1:])
