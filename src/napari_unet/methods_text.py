"""What a paper needs of a mask: a script that makes it again, and a paragraph of methods with its citations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_unet.arrays.axes import Region
from napari_unet.models.spec import ModelSpec
from napari_unet.settings.base import Settings, options
from napari_unet.settings.offered import is_group
from napari_unet.settings.stored import settings_in

RONNEBERGER = (
    "Ronneberger O, Fischer P, Brox T. U-Net: Convolutional Networks for Biomedical Image Segmentation. "
    "MICCAI 2015, LNCS 9351:234-241. https://doi.org/10.1007/978-3-319-24574-4_28"
)
FALK = (
    "Falk T et al. U-Net: deep learning for cell counting, detection, and morphometry. "
    "Nature Methods 16:67-70, 2019. https://doi.org/10.1038/s41592-018-0261-2"
)
NAPARI = "napari contributors. napari: a multi-dimensional image viewer for Python. https://doi.org/10.5281/zenodo.3555620"
SHA_LETTERS = 12
"""Of a model's sha256, enough to tell models apart."""
FROM_FALK = ("falk", "caffe")
"""Words in the facts of a training that used the weights, or the weight map, of Falk et al."""


def python_script(
    provenance: Mapping[str, Any], image: str, model: str | Path, *, region: Region | None = None
) -> str:
    """Return Python that makes a mask again from its image.

    Parameters
    ----------
    provenance
        Of the mask.
    image
        The image's file.
    model
        Name of a model of the library, or its file.
    region
        (start, stop) by axis where the mask is of a part.
    """
    settings = _as_python(settings_in(provenance))
    names = ["SegmentationSettings", "load_model", "open_image", *([] if region else ["segment"])]
    lines = [f"from napari_unet import {', '.join(names)}"]
    if region:
        lines += [
            "from napari_unet.progress import finish",
            "from napari_unet.segmentation import segment_steps",
        ]
    lines += [
        "",
        f"image = open_image({str(image)!r})",
        f"model = load_model({str(model)!r})  # sha256 {provenance.get('model_sha256', '')}",
        f"settings = {settings}",
    ]
    if region:
        lines.append(f"steps = segment_steps(image, model, settings=settings, region={dict(region)!r})")
        lines.append("labels = finish(steps).labels")
    else:
        lines.append("labels = segment(image, model, settings=settings)")
    return "\n".join(lines) + "\n"


def methods_paragraph(provenance: Mapping[str, Any], spec: ModelSpec | None) -> str:
    """Return a paragraph for a paper's methods: software, model, settings, what was edited, and citations.

    `spec` describes the model; None where it is not known here, whose data and licence are then left out.
    """
    sha256 = str(provenance.get("model_sha256", ""))[:SHA_LETTERS]
    what = "Pixels were classified" if provenance.get("values") == "classes" else "Objects were segmented"
    sentences = [
        f"{what} with the U-Net [1] model {provenance.get('model')} (sha256 {sha256}) in napari-unet-interactive "
        f"{provenance.get('version')}, a plugin of napari [2]."
    ]
    citations = [RONNEBERGER, NAPARI]
    training = {} if spec is None else dict(spec.training)
    if spec is not None:
        data = training.get("data")
        sentences.append(
            f"The model{f' was trained on {data} and' if data else ''} is licensed under {spec.licence}."
        )
    if any(word in str(training).lower() for word in FROM_FALK):
        citations.append(FALK)
        sentences.append(f"Its training followed Falk et al. [{len(citations)}].")
    sentences.append(f"Settings: {_settings_in_words(provenance)}.")
    sentences += _edits_in_words(provenance.get("edited_by_hand"))
    listed = "\n".join(f"[{number}] {text}" for number, text in enumerate(citations, start=1))
    return f"{' '.join(sentences)}\n\n{listed}\n"


def _as_python(settings: Settings) -> str:
    """Return the call that makes settings, without those that are the default."""
    return f"{type(settings).__name__}({', '.join(f'{name}={value}' for name, value in _chosen(settings))})"


def _chosen(settings: Settings) -> list[tuple[str, str]]:
    """Return name and Python of the settings that are not the default; groups are dictionaries."""
    found = []
    for name, option in options(type(settings)).items():
        value = getattr(settings, name)
        if value == option.default:
            continue
        if is_group(option):
            inner = ", ".join(f"{key!r}: {text}" for key, text in _chosen(value))
            found.append((name, f"{{{inner}}}"))
        else:
            found.append((name, repr(value)))
    return found


def _settings_in_words(provenance: Mapping[str, Any]) -> str:
    """Return the settings that change the result, resolved: what the model or a measurement chose, too."""
    found = provenance.get("settings") or {}
    words = {
        "channels": "channels (from 0)",
        "zoom": "zoom",
        "core_threshold": "core probability",
        "edge_threshold": "edge probability",
        "min_size": "smallest object in pixels",
        "range": "intensity range",
        "percentiles": "percentiles",
        "join": "objects joined along",
        "precision": "precision",
        "rotations": "averaged over rotations",
    }
    said = [
        f"{words[name]} {_plain(found[name])}" for name in words if found.get(name) not in (None, "", [], False)
    ]
    return ", ".join(said) or "those of the model"


def _plain(value: Any) -> str:
    if value is True:
        return "yes"
    if isinstance(value, list | tuple):
        return " ".join(_plain(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _edits_in_words(edits: Any) -> list[str]:
    """Return the sentence on what was edited by hand; none where nothing was."""
    named = edits if isinstance(edits, Mapping) else {}
    counts = [f"{count} {str(name).replace('_', ' ')}" for name, count in named.items() if count]
    if not counts:
        return []
    return [f"The result was corrected by hand: {', '.join(counts)}."]
