"""Labels that do not fit into memory lie on disk and are shown from there."""

import numpy as np
import pytest
from napari.layers import Labels

from napari_unet import anywhere, block_planning
from napari_unet.files import ome_zarr_labels
from napari_unet.widgets.segment.panel import SegmentPanel
from tests.conftest import make_bright_model
from tests.widgets.conftest import click, wait_until_done

FITS = "napari_unet.anywhere.fits_memory"


@pytest.fixture
def panel(make_napari_viewer, qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(block_planning, "BLOCK_PIXELS", 6000)
    monkeypatch.setattr(ome_zarr_labels, "COARSEST", 40)
    monkeypatch.setattr(anywhere, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    viewer = make_napari_viewer()
    image = np.zeros((2, 120, 150), np.uint8)
    image[0, 10:40, 10:40] = image[1, 80:110, 70:110] = image[1, 5:20, 5:30] = 220
    viewer.add_image(image, name="two planes", scale=(1, 0.5, 0.5))
    make_bright_model().save(tmp_path / "bright.safetensors")
    panel = SegmentPanel(viewer)
    qtbot.addWidget(panel)
    panel.model.choose_file(tmp_path / "bright.safetensors")
    panel.advanced.boxes["zoom"].choose(1.0)
    panel.advanced.boxes["tile"].setValue(48)
    panel.viewer = viewer
    return panel


def results(viewer):
    return [layer for layer in viewer.layers if isinstance(layer, Labels)]


def test_labels_on_disk_are_those_of_memory(panel, qtbot, monkeypatch):
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    monkeypatch.setattr(FITS, lambda *_: False)
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    inside, outside = results(panel.viewer)
    assert outside.multiscale
    assert [level.shape for level in outside.data] == [(2, 120, 150), (2, 60, 75), (2, 30, 38)]
    np.testing.assert_array_equal(np.asarray(outside.data[0]), inside.data)
    np.testing.assert_allclose(outside.scale, inside.scale)
    assert "do not fit into memory" in panel.job.status.text()
    assert "3 objects" in panel.job.status.text()
    click(qtbot, panel.job.start_button)  # they are there already
    wait_until_done(qtbot, panel)
    assert len(results(panel.viewer)) == 3


def test_a_cancelled_run_goes_on(panel, qtbot, monkeypatch):
    monkeypatch.setattr(FITS, lambda *_: False)
    doing = []

    def cancel(step):
        doing.append(step.doing)
        if step.doing == "Predicting" and step.done >= 200:
            panel.job.cancel()

    panel.job.progressed.connect(cancel)
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    assert not results(panel.viewer)
    assert len(list((anywhere.results_folder()).glob("*.unfinished/done/map-*"))) >= 1
    panel.job.progressed.disconnect(cancel)
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    assert len(results(panel.viewer)) == 1


def test_memory_that_runs_out_midway_is_taken_from_the_disk(panel, qtbot, monkeypatch):
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)

    def runs_out(*_):
        raise MemoryError

    monkeypatch.setattr("napari_unet.segmentation.read_map", runs_out)
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    inside, outside = results(panel.viewer)
    np.testing.assert_array_equal(np.asarray(outside.data[0]), inside.data)
    assert "do not fit into memory" in panel.job.status.text()


def test_a_scheduler_computes_what_the_panel_asks(panel, qtbot):
    from distributed import LocalCluster

    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    before = results(panel.viewer)[0].data.copy()
    panel.advanced.boxes["core_threshold"].setValue(0.75)  # a result of its own
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
        panel.advanced.compute.setText(cluster.scheduler_address)
        click(qtbot, panel.job.start_button)
        wait_until_done(qtbot, panel)
    assert "3 objects" in panel.job.status.text()
    np.testing.assert_array_equal(results(panel.viewer)[-1].data, before)
    panel.advanced.compute.setText("nowhere")
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    assert "a scheduler is named" in panel.job.status.text().lower()
