"""Where models are found by name: those that come with the package, and the user's own folder.

Listing them does not import PyTorch, so that a panel can open at once.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_data_path

from napari_unet.arguments import as_path
from napari_unet.errors import UnetError
from napari_unet.models.spec import ModelSpec, read_spec

if TYPE_CHECKING:
    from napari_unet.models.model import Model

SHIPPED = Path(__file__).parent / "shipped"
SUFFIX = ".safetensors"
COMMONEST = "nuclei"
"""The model that is offered first."""
OWN_FOLDER = "NAPARI_UNET_MODELS"
"""Environment variable that names the folder of the user's own models, where it is not the usual one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One model of the library; `spec` is None and `fault` a sentence where its file cannot be read."""

    name: str
    path: Path
    shipped: bool
    spec: ModelSpec | None = None
    fault: str = ""


def own_folder() -> Path:
    """Return the folder of the user's own models; it may not exist yet."""
    if chosen := os.environ.get(OWN_FOLDER):
        return Path(chosen).expanduser()
    return user_data_path("napari-unet-interactive", appauthor=False) / "models"


def entries() -> list[Entry]:
    """Return all models: the shipped ones, the commonest first, then the user's own, each by name."""
    return [
        _entry(path, shipped)
        for folder, shipped in ((SHIPPED, True), (own_folder(), False))
        for path in sorted(folder.glob(f"[!.]*{SUFFIX}"), key=lambda path: (path.stem != COMMONEST, path.stem))
    ]


def load_model(name: str | Path) -> Model:
    """Return a model by the name of a shipped one or else of one's own, or from a file.

    Parameters
    ----------
    name
        As `napari-unet models` lists them, or the path of a .safetensors file.

    Returns
    -------
    Model
        Network, description and the sha256 of the file. Nothing in the file is executed.

    Raises
    ------
    UnetError
        If there is no such model, or its file is damaged or of another kind.

    Examples
    --------
    >>> from napari_unet import load_model
    >>> load_model("nuclei").spec.classes
    ('background', 'nucleus', 'border')
    """
    from napari_unet.models.model import load_model_file

    path = model_file(name)
    if path is None:
        known = sorted({entry.name for entry in entries()})
        raise UnetError(
            f"there is no model {str(name)!r}: choose {', '.join(known) or 'a file'}, "
            f"or give the path of a {SUFFIX} file"
        )
    return load_model_file(path)


def model_file(name: str | Path) -> Path | None:
    """Return the file that a name means to `load_model`, None where there is none of that name."""
    path = as_path(name, "a model")
    if path.suffix == SUFFIX or path.parent != Path():
        return path
    return next((entry.path for entry in entries() if entry.name == str(name)), None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replay:
    """Some of what a shipped model first learnt, and what that model says of it."""

    images: NDArray[np.float32]
    """(N, C, *spatial), normalised."""
    answers: NDArray[np.uint8]
    """(N, K, *spatial) probabilities x 255."""


def replay_of(spec: ModelSpec) -> Replay | None:
    """Return the replay crops of the shipped model that a model is, or descends from; None for none."""
    path = next((path for path in SHIPPED.glob("*.npz") if path.stem == spec.training.get("replay")), None)
    if path is None:  # what a model file names is no path: it names one of ours, or nothing
        return None
    with np.load(path, allow_pickle=False) as file:
        images = file["images"].astype(np.float32) / 255 * float(file["brightest"])
        replay = Replay(images=images, answers=file["answers"])
    fits = images.shape[1] == spec.in_channels and images.ndim == 2 + len(spec.axes)
    return replay if fits and replay.answers.shape[1] == len(spec.classes) else None


def _entry(path: Path, shipped: bool) -> Entry:
    try:
        return Entry(name=path.stem, path=path, shipped=shipped, spec=read_spec(path))
    except UnetError as error:
        return Entry(name=path.stem, path=path, shipped=shipped, fault=str(error))
