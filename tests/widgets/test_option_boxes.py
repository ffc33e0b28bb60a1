"""Widgets that are derived from settings: range, default and value follow the declaration."""

from typing import Literal

import pytest

from napari_unet.settings.base import Settings, option, options
from napari_unet.settings.offered import offered
from napari_unet.settings.segmentation import SegmentationSettings
from napari_unet.widgets.parts.option_boxes import MAX_VALUE, OptionBoxes, make_box

SHOWN = list(offered(SegmentationSettings, "Segment panel"))


class Example(Settings):
    """One of each kind."""

    count: int = option(3, "how many things", minimum=1, unit="px", label="Count", offered=("Segment panel",))
    side: int | None = option(
        None, "how wide", minimum=1, maximum=8, step=4, unset="as it is", label="Side", offered=("Segment panel",)
    )
    share: float = option(
        0.5, "which share", above=0, below=1, step=0.05, label="Share", offered=("Segment panel",)
    )
    speed: Literal["slow", "fast"] = option(
        "slow", "how fast", switch=("fast", "faster"), label="Speed", offered=("Segment panel",)
    )
    where: str = option(
        "here", "where", choices={"Here": "here", "There": "there"}, label="Where", offered=("Segment panel",)
    )
    hidden: int = option(1, "not in the panel")


@pytest.fixture
def boxes(qtbot):
    made = OptionBoxes(Example, "Segment panel")
    for name in ("count", "side", "share", "speed", "where"):
        qtbot.addWidget(made[name])
    return made


def test_nothing_touched_is_the_default(boxes):
    assert boxes.chosen(Example()) == Example()


def test_what_is_chosen_reaches_the_settings(boxes):
    boxes["count"].setValue(7)
    boxes["side"].setValue(2)
    boxes["share"].setValue(0.25)
    boxes["speed"].setChecked(True)
    boxes["where"].choose("there")
    wanted = Example(count=7, side=2, share=0.25, speed="fast", where="there", hidden=9)
    assert boxes.chosen(Example(hidden=9)) == wanted


def test_ranges_are_those_of_the_declaration(boxes):
    assert (boxes["count"].minimum(), boxes["count"].maximum(), boxes["count"].suffix()) == (1, MAX_VALUE, " px")
    assert (boxes["side"].minimum(), boxes["side"].maximum(), boxes["side"].singleStep()) == (0, 8, 4)
    assert boxes["side"].text() == "as it is"
    assert (boxes["share"].minimum(), boxes["share"].maximum()) == (0.01, 0.99)


@pytest.mark.parametrize("declared", SHOWN, ids=lambda option: option.name)
def test_every_value_that_a_box_of_the_segment_panel_shows_is_valid(declared, qtbot):
    box = make_box(declared)
    qtbot.addWidget(box)
    assert box.toolTip().endswith(".")
    if not hasattr(box, "setValue"):
        return
    for value in (box.minimum(), box.minimum() + box.singleStep(), box.maximum()):
        box.setValue(value)
        group = SegmentationSettings if declared.name in options(SegmentationSettings) else None
        group = group or type(SegmentationSettings().prediction)
        group(**{declared.name: box.chosen()})


def test_changes_are_told(boxes, qtbot):
    from qtpy.QtCore import QObject, Signal

    class Listener(QObject):
        changed = Signal()

    listener = Listener()
    boxes.connect(listener.changed)
    with qtbot.waitSignal(listener.changed):
        boxes["speed"].setChecked(True)
    with qtbot.waitSignal(listener.changed):
        boxes["share"].setValue(0.1)
