"""What is painted in two layers over one another is learnt once; a copy is the user's and waits for a tick."""

from napari.layers._layer_actions import _duplicate_layer
from qtpy.QtCore import Qt

from tests.widgets.conftest import click, wait_until_done
from tests.widgets.painting import brush, dots, segment


def test_a_copy_waits_for_a_tick_and_is_learnt_once_with_its_original(viewer, segment_panel, panel, qtbot):
    viewer.add_image(dots(), name="dots")
    result = segment(qtbot, segment_panel)
    brush(viewer, qtbot, result, [(20, 20), (20, 22)], label=0, size=22)
    _duplicate_layer(viewer.layers)
    copy = viewer.layers[-1]
    assert [layer for layer, *_ in panel.table.chosen()] == [result]
    brush(viewer, qtbot, copy, [(52, 84), (52, 86)], label=0, size=22)
    panel.table.topLevelItem(1).setCheckState(0, Qt.CheckState.Checked)
    click(qtbot, panel.tools.weights)
    wait_until_done(qtbot, panel)
    shown = [layer for layer in viewer.layers if "(weights)" in layer.name]
    assert [layer.name for layer in shown] == [f"{copy.name} (weights)"], "nothing is left to the original"
    brush(viewer, qtbot, result, [(84, 116), (84, 114)], label=0, size=22)
    click(qtbot, panel.tools.weights)
    wait_until_done(qtbot, panel)
    low, _ = (layer for layer in viewer.layers if "(weights)" in layer.name)
    assert low.name == f"{result.name} (weights)"
    own, copied = (low.data[tuple(round(at) for at in low.world_to_data(spot))] for spot in ((84, 116), (20, 20)))
    assert own > 0 == copied
