"""The preview of a learnt model goes where the view goes: what came into sight is segmented by both models."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal

from napari_unet.arrays.axes import Region
from napari_unet.progress import Steps
from napari_unet.widgets.parts.quiet_job import QuietJob
from napari_unet.widgets.viewer.layers import unwrapped

if TYPE_CHECKING:
    import napari

    from napari_unet.widgets.teach.shown_part import SeenByBoth

Look = Callable[[Region], "Steps[SeenByBoth]"]
"""Segments a region by the old and by the new model."""
DELAY = 400
"""Milliseconds for which the view must rest before what it shows is segmented."""


class VisiblePreview(QObject):  # type: ignore[misc]
    """Follows the view of one viewer while a learnt model is on offer."""

    seen = Signal(object)
    """The visible part as the old and as the new model see it."""

    def __init__(self, viewer: napari.viewer.Viewer, region: Callable[[], Region | None]) -> None:
        """Take a viewer, and what tells the region that it shows."""
        super().__init__()
        self._region = region
        self._look: Look | None = None
        self.covered: Region = {}
        """What has been segmented last."""
        self._job = QuietJob(self)
        self._job.done.connect(self._ended)
        self._timer = QTimer(self, singleShot=True, interval=DELAY)
        self._timer.timeout.connect(self._begin)
        viewer = unwrapped(viewer)
        camera, window, dims = viewer.scene.camera.events, viewer.canvas.events, viewer.dims.events
        for event in (camera.center, camera.zoom, window.size, dims.current_step, dims.ndisplay):
            event.connect(self._moved)

    @property
    def is_busy(self) -> bool:
        """Whether a part is still to be shown."""
        return self._timer.isActive() or self._job.is_running

    def follow(self, look: Look, covered: Region | None) -> None:
        """Keep what is visible segmented, from a region on that is."""
        self._look, self.covered = look, covered or {}
        self._moved()

    def stop(self) -> None:
        """Let the view go where it wants."""
        self._look = None
        self._timer.stop()
        self._job.drop()

    def _moved(self, *_: object) -> None:
        if self._look is not None:
            self._timer.start()

    def _begin(self) -> None:
        region = self._region()
        if self._look is not None and region and not _is_within(region, self.covered):
            self._job.run(partial(_looked, self._look, region))

    def _ended(self, result: tuple[Region, SeenByBoth]) -> None:
        self.covered, seen = result
        self.seen.emit(seen)
        self._moved()  # it may have done so meanwhile


def _is_within(region: Region, covered: Region) -> bool:
    """Whether all of a region is covered."""
    return region.keys() == covered.keys() and all(
        covered[axis][0] <= low and high <= covered[axis][1] for axis, (low, high) in region.items()
    )


def _looked(look: Look, region: Region) -> Steps[tuple[Region, SeenByBoth]]:
    """Return a region and what both models see there."""
    seen = yield from look(region)
    return region, seen
