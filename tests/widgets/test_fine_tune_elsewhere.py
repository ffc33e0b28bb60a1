"""Fine-tune through the window on a worker of a scheduler: curves, Stop and outcome as of this computer."""

import pytest
from napari.settings import get_plugin_settings

from tests.widgets.conftest import PLUGIN, click, messages, wait_until_done
from tests.widgets.painting import brush, dots, segment


@pytest.fixture
def computing():
    """Return the preferences on computing, which are the usual ones before and after."""
    settings = get_plugin_settings(PLUGIN)
    settings.reset()
    yield settings.computing
    settings.reset()


def test_a_worker_learns_until_it_is_stopped(viewer, segment_panel, panel, qtbot, computing, scheduler):
    viewer.add_image(dots())
    result = segment(qtbot, segment_panel)
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    computing.elsewhere = scheduler
    panel.form.seconds.setValue(3600)
    click(qtbot, panel.job.start_button)
    qtbot.waitUntil(lambda: len(panel.curves.points["loss"]) >= 3, timeout=300000)
    click(qtbot, panel.job.cancel_button)
    wait_until_done(qtbot, panel)
    assert panel.trial.outcome.tuned.iterations >= 1
    assert panel.outcome.isVisible()


def test_a_scheduler_that_is_none_is_a_sentence(viewer, segment_panel, panel, qtbot, computing):
    viewer.add_image(dots())
    result = segment(qtbot, segment_panel)
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    computing.elsewhere = "the lab"
    click(qtbot, panel.job.start_button)
    wait_until_done(qtbot, panel)
    assert "got 'the lab'" in messages()[-1]
    assert (result.data == 0).any()
