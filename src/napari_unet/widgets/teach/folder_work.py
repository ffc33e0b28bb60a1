"""What a worker does for the Train panel; PyTorch is imported there, not in the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

from napari_unet.errors import UnetError
from napari_unet.folder_training.request import TrainingRequest
from napari_unet.progress import Progress, Steps
from napari_unet.settings.folder_training import FolderSettings
from napari_unet.settings.named import with_names
from napari_unet.settings.network import NetworkSettings
from napari_unet.settings.training import TrainingSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class LearntFolder:
    """What the panel shows of a finished or stopped training."""

    path: Path | None
    """The model's file; None where nothing was validated yet."""
    score: str
    """How good the model is, in words; empty where nothing was held out."""
    held_out: int
    is_finished: bool
    remarks: tuple[str, ...]


def begin_looking(request: TrainingRequest) -> Callable[[], Steps[int]]:
    """Return the function that a worker calls to count the images that have labels."""

    def begin() -> Steps[int]:
        from napari_unet.folder_training.folder import image_files

        yield Progress(done=0, total=0, doing="Looking for images")
        return len(image_files(request))

    return begin


def begin_training(request: TrainingRequest, stop: Event) -> Callable[[], Steps[LearntFolder]]:
    """Return the function that a worker calls to train, until the end or until it is stopped."""

    def begin() -> Steps[LearntFolder]:
        yield Progress(done=0, total=0, doing="Loading")
        from napari_unet.nets.torch_preload import preload_torch

        preload_torch()
        from napari_unet.files.atomic import require_writable
        from napari_unet.folder_training.learning import train_folder_steps

        said: list[str] = []
        request.output.parent.mkdir(parents=True, exist_ok=True)
        require_writable(request.output)
        try:
            result = yield from train_folder_steps(replace(request, remark=said.append), is_stopped=stop.is_set)
        except UnetError as error:
            raise UnetError(in_panel_words(str(error))) from error
        return LearntFolder(
            path=result.model.path if result.model is not None else None,
            score=result.sentence(),
            held_out=result.held_out,
            is_finished=result.is_finished,
            remarks=tuple(map(in_panel_words, said)),
        )

    return begin


def in_panel_words(sentence: str) -> str:
    """Return a sentence with the settings that it names under their names in the panel."""
    groups = (FolderSettings, NetworkSettings, TrainingSettings)
    return with_names(sentence, groups, lambda option: f"\u2018{option.label or option.name}\u2019")
