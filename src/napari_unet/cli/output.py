"""The one place where the command line prints: nothing of a file reaches the terminal but printable text."""

from __future__ import annotations

import sys
from typing import TextIO

from napari_unet.errors import printable


def say(text: object, *, file: TextIO | None = None, end: str = "\n") -> None:
    """Print one line on stdout, or on `file`."""
    print(printable(text), file=file, end=end)


def say_lines(text: str) -> None:
    """Print a text of several lines of our own making, as tables and JSON are, on stdout."""
    for line in text.removesuffix("\n").split("\n"):
        say(line)


def complain(text: object) -> None:
    """Print one line on stderr; settings that it names stand there as their options."""
    sentence = str(text)
    say(_with_options(sentence) if "`" in sentence else sentence, file=sys.stderr)


def _with_options(sentence: str) -> str:
    """Return a sentence with settings under the names of their options."""
    from napari_unet.settings.finetuning import FineTuningSettings  # with pydantic half a second, for --help too
    from napari_unet.settings.folder_training import FolderSettings
    from napari_unet.settings.named import with_names
    from napari_unet.settings.network import NetworkSettings
    from napari_unet.settings.segmentation import SegmentationSettings
    from napari_unet.settings.training import TrainingSettings

    groups = (SegmentationSettings, FineTuningSettings, TrainingSettings, NetworkSettings, FolderSettings)
    return with_names(sentence, groups, lambda option: option.argument)
