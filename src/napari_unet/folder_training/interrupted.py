"""Trainings that were interrupted: what was asked for stands as JSON beside the checkpoint, so that they go on."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_unet.errors import UnetError
from napari_unet.files.atomic import atomic_path
from napari_unet.files.checkpoint_names import best_of, checkpoint_of, request_of
from napari_unet.files.json_text import parse_json
from napari_unet.files.processes import is_running, process_mark
from napari_unet.folder_training.request import TrainingRequest
from napari_unet.settings.base import Settings
from napari_unet.settings.folder_training import FolderSettings
from napari_unet.settings.network import NetworkSettings
from napari_unet.settings.training import TrainingSettings


def keep_request(request: TrainingRequest, *, at_work: bool) -> None:
    """Write what was asked for, whole or not at all, and whether this process is at work on it."""
    values = {
        "process": process_mark() if at_work else None,
        "folder": str(request.folder.absolute()),
        "how": json.loads(request.how.model_dump_json()),
        "network": _as_json(NetworkSettings, request.network),
        "training": _as_json(TrainingSettings, request.training),
        "validate": request.validate,
    }
    with atomic_path(request_of(request.output)) as temporary:
        temporary.write_text(json.dumps(values), encoding="utf-8")


def forget_request(output: Path) -> None:
    """Remove what `keep_request` wrote."""
    request_of(output).unlink(missing_ok=True)


def forget_training(output: Path) -> None:
    """Remove all that an interrupted training left."""
    checkpoint = checkpoint_of(output)
    for path in (request_of(output), checkpoint, best_of(checkpoint)):
        path.unlink(missing_ok=True)


def interrupted_trainings(folder: Path) -> list[TrainingRequest]:
    """Return the trainings whose models were to be written into a folder, those that can go on, the last first."""
    found: list[tuple[float, TrainingRequest]] = []
    for path in folder.glob(".*-training.json"):
        output = path.with_name(f"{path.name.removeprefix('.').removesuffix('-training.json')}.safetensors")
        with contextlib.suppress(OSError, UnetError, ValueError, LookupError, TypeError):  # damaged: it is gone
            when = checkpoint_of(output).stat().st_mtime
            values = parse_json(path.read_text(encoding="utf-8"))
            if values["process"] is None or not is_running(values["process"]):
                found.append((when, _request(output, values)))
    return [request for _, request in sorted(found, key=lambda one: -one[0])]


def _request(output: Path, values: Mapping[str, Any]) -> TrainingRequest:
    return TrainingRequest(
        folder=Path(values["folder"]),
        output=output,
        how=FolderSettings.model_validate_json(json.dumps(values["how"])),
        network=_from_json(NetworkSettings, values["network"]),
        training=_from_json(TrainingSettings, values["training"]),
        validate=tuple(map(str, values["validate"])),
    )


def _as_json(settings: type[Settings], values: Mapping[str, Any]) -> Any:
    """Return some values of a group of settings as JSON values."""
    return json.loads(settings(**values).model_dump_json(include=set(values)))


def _from_json(settings: type[Settings], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `_as_json` was given."""
    read = settings.model_validate_json(json.dumps(values))
    return {name: getattr(read, name) for name in values}
