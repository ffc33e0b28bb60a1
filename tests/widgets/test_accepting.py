"""Models that are accepted: in which windows they are used and offered, and who gets a name."""

from types import SimpleNamespace

import pytest

from napari_unet.errors import UnetError
from napari_unet.models.library import load_model, own_folder
from napari_unet.models.spec import read_spec
from napari_unet.progress import finish
from napari_unet.widgets.model_choice import MODEL_NEWS
from napari_unet.widgets.segment.panel import SegmentPanel
from napari_unet.widgets.teach.naming import free_name
from napari_unet.widgets.teach.work import begin_saving


def test_a_model_accepted_in_one_window_is_only_offered_in_another(make_napari_viewer, qtbot):
    viewer, other = make_napari_viewer(), make_napari_viewer()
    here, there = SegmentPanel(viewer), SegmentPanel(other)
    qtbot.addWidget(here)
    qtbot.addWidget(there)
    there.model.choose_name("cells-phase")
    own_folder().mkdir(parents=True, exist_ok=True)
    path = own_folder() / "nuclei 2.safetensors"
    load_model("nuclei").save(path)
    MODEL_NEWS.saved.emit(str(path), viewer)
    assert here.model.currentText() == "nuclei 2"
    assert there.model.currentText() == "cells-phase"
    assert "nuclei 2" in there.model.names()
    there.model.choose_name("nuclei 2")
    MODEL_NEWS.saved.emit(str(path), viewer)  # once more, under the same name
    assert there.model.currentText() == "nuclei 2"
    assert free_name(path) == "nuclei 3"
    assert free_name(None) == "my model"


def test_of_two_windows_that_accept_one_name_one_gets_it():
    path = own_folder() / "wanted.safetensors"
    first, second = (begin_saving(SimpleNamespace(model=load_model(name)), path)() for name in ("nuclei", "axons"))
    next(first)
    next(second)
    finish(first)
    with pytest.raises(UnetError, match="there is one of this name already"):
        finish(second)
    assert not read_spec(path).is_semantic, "the first one, whole"
