"""Is the window alive: the longest pauses of a 20 ms timer while panels open, segment and fine-tune the sample.

    xvfb-run -a -s "-screen 0 1280x1024x24" python -m benchmarks.heartbeat [--where]
    xvfb-run -a -s "-screen 0 1280x1024x24" python -m benchmarks.heartbeat --large 16384 [--tiles 4]

Beside each pause stands how much of it the window's own thread computed; `--where` prints what ran during those
longer than 0.15 s. Also how long after the click on Fine-tune the first refreshed prediction is seen.

`--large` opens an OME-Zarr image of that side lazily, looks at its last corner, segments until some tiles are
shown, and cancels; it also prints how long after the click the first tile is seen, and how long the same tile
takes with its measuring where no window is.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dask.array as da
import napari
import numpy as np
import zarr
from napari.layers import Image, Labels
from napari.qt import get_qapp

from benchmarks.pauses import explain, pauses
from benchmarks.timing import table
from napari_unet.anywhere import segment_anywhere
from napari_unet.arrays.source import Source
from napari_unet.models.library import load_model
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.widgets.parts.job import lower_thread_priority
from napari_unet.widgets.segment.live import NAME as FOUND
from napari_unet.widgets.teach.preview import NAME
from napari_unet.widgets.viewer.samples import u2os

PLUGIN = "napari-unet-interactive"
SECONDS = 20
HEADS = ["work", "beats", "longest s", "computed s", "second s", "computed s", "first preview s"]
CHUNK = 1024
LEVELS = (1, 4, 16)
"""How many times smaller the levels of the large image are."""
CORNER = 600
"""Pixels between the large image's last corner and the middle of the view."""


@dataclass(frozen=True)
class Running:
    """Work that goes on for as long as something is the case."""

    asked: Callable[[], bool]

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self.asked()


IDLE = Running(lambda: False)


@dataclass
class Table:
    """A row for each thing that was done."""

    where: bool
    rows: list[list[object]] = field(default_factory=list)

    def add(
        self,
        name: str,
        act: Callable[[], None],
        job: Any = IDLE,
        watch: Callable[[], None] = lambda: None,
        preview: list[float] | None = None,
    ) -> None:
        """Do something, and note its two longest pauses."""
        found = pauses(act, job, watch, where=self.where)
        if self.where:
            print(explain(name, found), flush=True)
        figures = [figure for pause in found[:2] for figure in (pause.wall, pause.cpu)]
        shown: object = "-" if preview is None else preview[0] if preview else "never"
        self.rows.append([name, len(found), *figures, shown])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--where", action="store_true", help="print what ran during long pauses")
    parser.add_argument("--large", type=int, metavar="SIDE", help="segment an image of that side instead")
    parser.add_argument("--tiles", type=int, default=4, help="cancel when so many tiles of it are shown")
    given = parser.parse_args()
    rows = Table(given.where)
    viewer = napari.Viewer()
    viewer.window.resize(1400, 1000)
    panels = open_panels(viewer, rows)
    if given.large:
        with TemporaryDirectory() as folder:
            large_image(viewer, panels["Segment"], rows, written(Path(folder), given.large), given.tiles)
    else:
        sample_image(viewer, panels["Segment"], panels["Teach"], rows)
    print(table("Heartbeat of 20 ms", HEADS, rows.rows))
    viewer.close()


def open_panels(viewer: napari.Viewer, rows: Table) -> dict[str, Any]:
    """Open the workspace and its tabs; return the panels by name."""
    found: list[Any] = []

    def dock() -> None:
        found.append(viewer.window.add_plugin_dock_widget(PLUGIN, "U-Net workspace")[1])

    rows.add("Open Workspace", dock, Running(lambda: not found or "Segment" not in found[0].panels))
    settled(3)  # the other panels are imported meanwhile
    for name in ("Teach", "Results", "Export"):
        rows.add(f"Open {name}", partial(found[0].show_tab, name))
        settled()
    found[0].show_tab("Segment")
    for name, layer in (("an image", Image), ("labels", Labels)):  # what a new layer costs, whoever adds it
        added = layer(np.zeros((512, 512), np.uint8))
        rows.add(f"napari adds {name}", partial(viewer.add_layer, added))
        settled()
        viewer.layers.clear()
    return dict(found[0].panels)


def settled(seconds: float = 1.0) -> None:
    """Let the window do what it has put off."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        get_qapp().processEvents()
        time.sleep(0.02)


def sample_image(viewer: napari.Viewer, segment: Any, teach: Any, rows: Table) -> None:
    """Segment the sample, learn, and take it back, three times each."""
    viewer.open_sample(PLUGIN, "u2os")
    settled()
    for number in range(3):
        rows.add(f"Segment {number + 1}", segment.job.start_button.click, segment.job)
    result = viewer.layers[-1]
    for row, column in ((100, 100), (200, 300), (300, 500), (400, 200), (450, 600), (60, 400)):
        result.data[row : row + 12, column : column + 12] = 0
    teach.form.seconds.setValue(SECONDS)
    for number in range(3):
        seen = SeenFirst(lambda: NAME in viewer.layers)
        rows.add(f"Fine-tune {number + 1}", teach.job.start_button.click, teach.job, seen, seen.after)
        rows.add(f"Revert {number + 1}", teach.trial.forget, teach.job)


@dataclass
class SeenFirst:
    """Notes how many seconds after it was made something is seen."""

    is_seen: Callable[[], bool]
    after: list[float] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)

    def __call__(self) -> None:
        """Look."""
        if not self.after and self.is_seen():
            self.after.append(time.perf_counter() - self.began)


def written(folder: Path, side: int) -> list[zarr.Array[Any]]:
    """Write the sample, repeated, as levels of an OME-Zarr image; return the levels."""
    tile = np.asarray(u2os()[0][0])
    levels = []
    group = zarr.open_group(folder / "large.ome.zarr", mode="w", zarr_format=2)
    for number, step in enumerate(LEVELS):
        length = -(-side // step)
        level = group.create_array(str(number), shape=(length,) * 2, chunks=(CHUNK,) * 2, dtype=tile.dtype)
        columns = np.arange(length) * step % tile.shape[1]
        for top in range(0, length, CHUNK):
            rows = np.arange(top, min(top + CHUNK, length)) * step % tile.shape[0]
            level[top : top + CHUNK] = tile[np.ix_(rows, columns)]
        levels.append(level)
    scales = [[{"type": "scale", "scale": [step, step]}] for step in LEVELS]
    group.attrs["multiscales"] = [
        {
            "version": "0.4",
            "axes": [{"name": axis, "type": "space"} for axis in "yx"],
            "datasets": [{"path": str(n), "coordinateTransformations": one} for n, one in enumerate(scales)],
        }
    ]
    return levels


def large_image(viewer: napari.Viewer, segment: Any, rows: Table, levels: list[Any], tiles: int) -> None:
    """Segment a corner of a large image and cancel; state when its first tile was seen, twice."""
    layer = viewer.add_image([da.from_zarr(level) for level in levels], multiscale=True, name="large")
    viewer.scene.camera.center = (levels[0].shape[0] - CORNER, levels[0].shape[1] - CORNER)
    viewer.scene.camera.zoom = 1.0
    settled(3)
    for number in range(2):  # the first loads PyTorch
        shown: list[object] = []

        def count(progress: Any, shown: list[object] = shown) -> None:
            shown.extend([None] * (progress.preview is not None))
            if len(shown) >= tiles:
                segment.job.cancel()

        segment.job.progressed.connect(count)
        seen = SeenFirst(lambda: any(FOUND in one.name for one in viewer.layers))
        rows.add(f"Segment {number + 1}", segment.job.start_button.click, segment.job, seen, seen.after)
        segment.job.progressed.disconnect(count)
        alone = one_tile(layer, segment.model.path, segment.live.looked_at)
        print(f"first tile after {seen.after[0]:.2f} s, without a window after {alone:.2f} s", flush=True)


def one_tile(layer: Any, model: Path, looked_at: Callable[[], Any]) -> float:
    """Return the seconds that measuring an image and predicting its first tile take, without a window."""
    at, began = dict(looked_at()), time.perf_counter()
    with ThreadPoolExecutor(1) as worker:
        worker.submit(_one_tile, layer, model, at).result()
    return time.perf_counter() - began


def _one_tile(layer: Any, model: Path, at: dict[str, float]) -> None:
    lower_thread_priority()  # as the panel's worker, which waits for other programs where they are many
    source = Source.of(layer.data[0], "YX", name=layer.name)
    for step in segment_anywhere(source, load_model(model), SegmentationSettings(), looked_at=lambda: at):
        if step.preview is not None:
            break


if __name__ == "__main__":
    main()
