"""A napari window with a result in it, for the demo."""

from __future__ import annotations

from typing import Any

import napari
import numpy as np
from numpy.typing import NDArray

from napari_unet.widgets.segment import SegmentPanel


def show_result(image: NDArray[Any], labels: NDArray[np.int32], title: str) -> None:
    """Open napari with image, labels and the Segment panel; return when the window is closed."""
    viewer = napari.Viewer(title="napari_unet demo")
    viewer.add_image(image, name=title)
    viewer.add_labels(labels, name=f"{title} (nuclei)")
    viewer.window.add_dock_widget(SegmentPanel(viewer), name="Segment")
    napari.run()
