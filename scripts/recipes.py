"""What the shipped models are trained on and how: data, split, network and phases of each, fixed here."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from data_sets import is_held_out, kind_of, pairs, validation_images, without_dabs

from napari_unet.arrays.normalization import (
    Compress,
    Denoise,
    InvertBrightBackground,
    Normalization,
    Percentile,
    TypicalObject,
)
from napari_unet.models.spec import ModelSpec
from napari_unet.models.training_image import TrainingImage, training_images_of
from napari_unet.settings.augmentation import AugmentationSettings
from napari_unet.settings.instances import InstanceSettings
from napari_unet.settings.optimization import OptimizationSettings
from napari_unet.settings.training import TrainingSettings
from napari_unet.settings.weights import WeightSettings

Sets = tuple[list[TrainingImage], list[TrainingImage]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One stretch of training: settings, the network's description, and which data sets it sees."""

    spec: ModelSpec
    settings: TrainingSettings
    data: tuple[str, ...]
    evenly: bool = False
    """Whether every kind of image is drawn equally often, however many images show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All phases of a model, and what it starts from."""

    phases: tuple[Phase, ...]
    parent: str | None = None
    """The model that lends its weights, trained before this one."""
    thresholds: InstanceSettings | None = None
    """Thresholds that are fixed already; None chooses them on the validation images."""
    replayed: tuple[str, ...] = ()
    """Which data sets give the crops by which fine-tuning keeps old skills; all if none is named."""
    averaged: int = 1
    """Of how many last phases the weights are averaged (Wortsman et al., "Model soups", ICML 2022)."""

    @property
    def spec(self) -> ModelSpec:
        """Return the description of the finished model."""
        return self.phases[-1].spec


EOSIN = ("4193474b2f1c72f7", "57bd029b19c1b382", "87ea72894f6534b2", "8f27ebc74164eddf")
"""The only images stained with eosin, as tissue mostly is: in colour they are drawn `OFTEN` times as often."""
OFTEN = 5


def load(data: Path, names: tuple[str, ...], spec: ModelSpec) -> Sets:
    """Return the (training, validation) images of some data sets; the truth of the latter stays as it is.

    A data set named several times is drawn as many times as often, and validates once. Experiments that are held
    out are in neither list.
    """
    sets: Sets = ([], [])
    for folder, times in Counter(names).items():
        for name, image, labels in pairs(data / folder):
            if is_held_out(folder, name):
                continue
            validates = name in validation_images(folder)
            truth = without_dabs(labels) if folder == "dsb2018_fluo" and not validates else labels
            axes = "YXS" if image.ndim == 3 and image.shape[-1] in (3, 4) else "ZYX"[-image.ndim :]
            loaded = training_images_of(f"{folder}/{name}", image, truth, spec, axes=axes)
            often = OFTEN if name in EOSIN and spec.in_channels == 3 else 1
            sets[validates].extend(loaded if validates else loaded * times * often)
    return sets


def even_chances(images: list[TrainingImage]) -> list[float]:
    """Return how likely each image is drawn, so that all kinds are equally likely.

    Within a kind the chance grows with the root of the area, as in any training.
    """
    areas = [image.labels.size**0.5 for image in images]
    kinds = [kind_of(image.name) for image in images]
    totals = dict.fromkeys(kinds, 0.0)
    for kind, area in zip(kinds, areas, strict=True):
        totals[kind] += area
    return [area / totals[kind] / len(totals) for kind, area in zip(kinds, areas, strict=True)]


def padded(**arguments: Any) -> dict[str, Any]:
    """Return what a description says of the network that all shipped models share."""
    return {
        "architecture": "padded",
        "arguments": {"in_channels": 1, "base_channels": 16, "levels": 4, **arguments},
    }


LINEAR = Normalization(steps=(Percentile(),))
BY_OBJECTS = Normalization(steps=(TypicalObject(), Denoise(), Compress()))
BORDERED: dict[str, Any] = {
    "levels": (0.0, 1.0, 0.5),
    "instances": InstanceSettings(core_threshold=0.7, edge_threshold=0.3),
}
NUCLEI_PLAIN = ModelSpec(
    name="nuclei",
    **padded(out_channels=2),
    classes=("background", "nucleus"),
    description="Fluorescence nuclei (DAPI, Hoechst) of many cell types and magnifications.",
    licence="CC0-1.0",
    training={
        "data": "dsb2018_fluo, dsb2018_tissue_gray, dsb2018_histology (BBBC038v1, Caicedo et al. 2019, CC0), "
        "BBBC039v1 (Ljosa et al. 2012, CC0)",
    },
)
NUCLEI_BORDERED = replace(
    NUCLEI_PLAIN,
    arguments={**NUCLEI_PLAIN.arguments, "out_channels": 3},
    classes=("background", "nucleus", "border"),
    # borders are learnt, yet the ridge alone parts nuclei better: textured ones have false borders inside
    levels=(0.0, 1.0, 1.0),
    instances=InstanceSettings(core_threshold=0.5, edge_threshold=0.4),
)
# 1 is twice the brightness of typical nuclei, so that neither debris nor a glaring nucleus dims all others
NUCLEI = replace(NUCLEI_BORDERED, normalization=BY_OBJECTS)
NUCLEI_BRIGHT = replace(
    NUCLEI,
    normalization=replace(BY_OBJECTS, steps=(InvertBrightBackground(), *BY_OBJECTS.steps)),
    sizes=(7.0, 64.0),  # beyond these a zoomed image was segmented better
)
NUCLEI_DATA = ("dsb2018_fluo", "bbbc039_u2os_16bit", "dsb2018_tissue_gray")
GENTLE = WeightSettings(w0=5, sigma=5, border_inside=False)
ANY_LIGHT = AugmentationSettings(
    scale=(0.5, 2.3), contrast=(0.6, 1.4), inversion=0.12, exposure=(0.35, 2.2), vignette=0.5, debris=0.15
)
ELSEWHERE = ANY_LIGHT.replace(blur=2.0, crowding=0.3, texture=0.35, haze=0.35, shot=0.5)
UPRIGHT = ELSEWHERE.replace(inversion=0.06, exposure=(0.25, 2.0), debris=0.25)
LIGHT: dict[str, Any] = {"exposure": (0.08, 2.0), "vignette": 0.7, "debris": 0.2}

MEMBRANES = ModelSpec(
    name="em-membranes",
    **padded(out_channels=2),
    classes=("membrane", "neurite"),
    description="Neurites in electron microscopy, parted by dark membranes.",
    licence="CC-BY-4.0",
    normalization=LINEAR,
    training={
        "data": "em_vnc_sstem z00-z08 (Gerhard et al. 2013, doi:10.6084/m9.figshare.856713, CC BY 4.0), "
        "em3d_fib25 z0-z85 (Takemura et al. 2015, CC BY 3.0)"
    },
)
HISTOLOGY = ModelSpec(
    name="nuclei-histology",
    **padded(in_channels=3, out_channels=3),
    **BORDERED,
    classes=("background", "nucleus", "border"),
    description="Nuclei in H&E stained tissue, RGB.",
    sizes=(15.0, 48.0),
    licence="CC0-1.0",
    normalization=LINEAR,
    training={"data": "dsb2018_histology (BBBC038v1, Caicedo et al. 2019, CC0)"},
)
PHASE = ModelSpec(
    name="cells-phase",
    **padded(out_channels=3),
    **BORDERED,
    classes=("background", "cell", "border"),
    description="Whole cells in phase contrast at 10x.",
    sizes=(38.0, 90.0),
    licence="MIT",
    training={"data": "phase_t98g (Tsai et al., SoftwareX 9:230, 2019, MIT)"},
)
AXONS = ModelSpec(
    name="axons",
    **padded(out_channels=3),
    levels=(),
    classes=("background", "myelin", "axon"),
    description="Myelin and axons in electron microscopy of nerve cross-sections, a class per pixel.",
    licence="MIT",
    normalization=LINEAR,
    training={"data": "em_axon_sem (Zaimi et al., Sci Rep 8:3816, 2018, MIT)"},
)

CELLS = ModelSpec(
    name="cells",
    **padded(out_channels=3),
    **BORDERED,
    classes=("background", "object", "border"),
    description="Objects of any kind in any contrast, grey: the model for images that no other one knows.",
    sizes=(12.0, 80.0),
    licence="MIT",
    training={
        "data": "dsb2018_fluo, dsb2018_tissue_gray, dsb2018_histology in grey (BBBC038v1, Caicedo et al. 2019, "
        "CC0), BBBC039v1 (Ljosa et al. 2012, CC0), nuclei3d_bbbc050 (Tokuoka et al. 2020, CC0), "
        "phase_t98g (Tsai et al. 2019, MIT), membranes_endothelium (ckolluru/endothelial-cell-seg, MIT)",
    },
)
CELLS_DATA = (
    "dsb2018_fluo",
    "bbbc039_u2os_16bit",
    "phase_t98g",
    "dsb2018_histology",
    "dsb2018_tissue_gray",
    "nuclei3d_bbbc050",
    "membranes_endothelium",
)
ANYTHING = AugmentationSettings(
    scale=(0.5, 2.0),
    elastic=4,
    gamma=(0.6, 1.6),
    contrast=(0.5, 1.4),
    offset=0.15,
    noise=0.08,
    blur=1.5,
    exposure=(0.5, 1.8),
    inversion=0.25,
    vignette=0.5,
    debris=0.1,
    texture=0.2,
    haze=0.2,
    shot=0.3,
)
"""Another microscope, specimen and contrast in every view."""

RECIPES = {
    "cells": Recipe(
        # phase contrast is the hardest of these kinds: begun with the weights that know it, the others come fast;
        # from nothing 3,400 iterations still found none of its cells
        parent="cells-phase",
        # no crops of the endothelium are passed on: they are images of a clinic
        replayed=tuple(name for name in CELLS_DATA if name != "membranes_endothelium"),
        phases=(
            Phase(
                spec=CELLS,
                data=CELLS_DATA,
                evenly=True,
                settings=TrainingSettings(
                    iterations=2200, patch=160, validate_every=2200, weights=GENTLE, augmentation=ANYTHING
                ),
            ),
        ),
    ),
    "nuclei": Recipe(
        # chosen by hand on validation images of all kinds and of half size, where probabilities are lower
        thresholds=InstanceSettings(
            core_threshold=0.4, edge_threshold=0.25, min_size=8, min_core_share=0.75, min_mean_probability=0.47
        ),
        replayed=("dsb2018_fluo", "bbbc039_u2os_16bit"),
        averaged=3,
        phases=(
            # the paper's weight map first: it teaches ridges fast, but cracks open in bright nuclei too
            Phase(
                spec=NUCLEI_PLAIN,
                data=("dsb2018_fluo",),
                settings=TrainingSettings(iterations=6000, validate_every=500),
            ),
            # then gentler border weights on background alone, which close the cracks again
            Phase(
                spec=NUCLEI_PLAIN,
                data=("dsb2018_fluo",),
                settings=TrainingSettings(
                    iterations=2600,
                    validate_every=260,
                    weights=GENTLE,
                    augmentation=AugmentationSettings(scale=(0.55, 1.8), contrast=(0.45, 1.3)),
                    optimization=OptimizationSettings(learning_rate=1.5e-3),
                ),
            ),
            # a border class, all magnifications and every kind of light
            Phase(
                spec=NUCLEI_BORDERED,
                data=NUCLEI_DATA,
                settings=TrainingSettings(
                    iterations=9000,
                    validate_every=500,
                    validation_images=36,
                    weights=GENTLE,
                    augmentation=AugmentationSettings(
                        scale=(0.45, 2.5), contrast=(0.6, 1.3), inversion=0.2, **LIGHT
                    ),
                    optimization=OptimizationSettings(learning_rate=2e-3),
                ),
            ),
            # and back to likelier images, with a falling rate
            Phase(
                spec=NUCLEI_BORDERED,
                data=NUCLEI_DATA,
                settings=TrainingSettings(
                    iterations=2000,
                    validate_every=250,
                    validation_images=36,
                    weights=GENTLE,
                    augmentation=AugmentationSettings(
                        scale=(0.55, 1.9),
                        contrast=(0.6, 1.3),
                        inversion=0.1,
                        exposure=(0.12, 1.6),
                        vignette=0.5,
                        debris=0.12,
                    ),
                    optimization=OptimizationSettings(learning_rate=1e-3),
                ),
            ),
            # another measure of brightness, and time
            Phase(
                spec=NUCLEI,
                data=NUCLEI_DATA,
                settings=TrainingSettings(
                    iterations=14000,
                    validate_every=1000,
                    validation_images=36,
                    weights=GENTLE,
                    augmentation=ANY_LIGHT,
                ),
            ),
            # then what data of other laboratories may look like: crowds, chromatin, light from out of focus
            Phase(
                spec=NUCLEI,
                data=NUCLEI_DATA,
                settings=TrainingSettings(
                    iterations=10500,
                    validate_every=750,
                    validation_images=36,
                    weights=GENTLE,
                    augmentation=ELSEWHERE,
                    optimization=OptimizationSettings(learning_rate=1.5e-3),
                ),
            ),
            # last images on a bright ground as they are inverted, and more debris
            Phase(
                spec=NUCLEI_BRIGHT,
                data=NUCLEI_DATA,
                settings=TrainingSettings(
                    iterations=5000,
                    validate_every=500,
                    validation_images=36,
                    weights=GENTLE,
                    augmentation=UPRIGHT,
                    optimization=OptimizationSettings(learning_rate=1e-3),
                ),
            ),
            # and more of what few of the images show, dark nuclei in tissue and 16 bit; its last weights are kept
            Phase(
                spec=NUCLEI_BRIGHT,
                data=(*NUCLEI_DATA, "bbbc039_u2os_16bit", *["dsb2018_tissue_gray"] * 2, "dsb2018_histology"),
                settings=TrainingSettings(
                    iterations=4500,
                    validate_every=4500,
                    validation_images=36,
                    weights=GENTLE,
                    augmentation=UPRIGHT,
                    optimization=OptimizationSettings(learning_rate=1e-3),
                ),
            ),
        ),
    ),
    "em-membranes": Recipe(
        # chosen on both kinds of image by V_Rand
        thresholds=InstanceSettings(
            core_threshold=0.85, edge_threshold=0.4, min_size=30, min_core_share=1.0, min_mean_probability=0.6
        ),
        phases=(
            Phase(
                spec=MEMBRANES,
                data=("em_vnc_sstem",),
                settings=TrainingSettings(
                    iterations=2200,
                    validate_every=275,
                    augmentation=AugmentationSettings(scale=(0.6, 1.6), contrast=(0.6, 1.4), offset=0.15),
                ),
            ),
            # another microscope, resolution and thinner membranes
            Phase(
                spec=MEMBRANES,
                data=("em_vnc_sstem", "em3d_fib25"),
                settings=TrainingSettings(
                    iterations=4000,
                    validate_every=500,
                    augmentation=AugmentationSettings(
                        scale=(0.5, 1.7), contrast=(0.5, 1.5), offset=0.2, noise=0.08, blur=2.0
                    ),
                    optimization=OptimizationSettings(learning_rate=1.5e-3),
                ),
            ),
        ),
    ),
    # seed 1: of three seeds it was the best on the validation images (AP@0.5 0.744, 0.800, 0.777)
    "cells-phase": Recipe(
        # as chosen for the first two phases: a search on two images alone overfits (0.90 and 0.77 of the large and
        # small cells in held-out experiments, 0.81 and 0.70 with what it found for the third phase)
        thresholds=InstanceSettings(
            core_threshold=0.7, edge_threshold=0.3, min_size=15, min_core_share=1.0, min_mean_probability=0.6
        ),
        phases=(
            Phase(
                spec=PHASE,
                data=("phase_t98g",),
                settings=TrainingSettings(
                    iterations=3000,
                    validate_every=300,
                    weights=GENTLE,
                    augmentation=AugmentationSettings(scale=(0.6, 1.7), contrast=(0.6, 1.3)),
                ),
            ),
            Phase(
                spec=PHASE,
                data=("phase_t98g",),
                settings=TrainingSettings(
                    iterations=4500,
                    validate_every=500,
                    weights=GENTLE,
                    augmentation=AugmentationSettings(contrast=(0.5, 1.4), gamma=(0.6, 1.6), blur=1.8, noise=0.08),
                    optimization=OptimizationSettings(learning_rate=1.5e-3),
                ),
            ),
            # then 33 images instead of 6, large and small cells equally often
            Phase(
                spec=PHASE,
                data=("phase_t98g",),
                evenly=True,
                settings=TrainingSettings(
                    iterations=2000,
                    validate_every=1000,
                    weights=GENTLE,
                    augmentation=AugmentationSettings(
                        scale=(0.6, 1.7), contrast=(0.5, 1.4), gamma=(0.6, 1.6), blur=1.8, noise=0.08
                    ),
                    optimization=OptimizationSettings(learning_rate=1.5e-3),
                ),
            ),
        ),
    ),
    "axons": Recipe(
        phases=(
            Phase(
                spec=AXONS,
                data=("em_axon_sem",),
                settings=TrainingSettings(
                    iterations=1800,
                    validate_every=300,
                    augmentation=AugmentationSettings(scale=(0.4, 1.3), contrast=(0.6, 1.4), offset=0.15),
                ),
            ),
            # wide scales teach which is which; likelier ones then teach where the border runs
            Phase(
                spec=AXONS,
                data=("em_axon_sem",),
                settings=TrainingSettings(
                    iterations=6000,
                    validate_every=500,
                    augmentation=AugmentationSettings(
                        scale=(0.65, 1.5), elastic=4, contrast=(0.6, 1.4), offset=0.15
                    ),
                ),
            ),
            # and images of transmission microscopes, where myelin is dark
            Phase(
                spec=AXONS,
                data=("em_axon_sem",),
                settings=TrainingSettings(
                    iterations=3000,
                    validate_every=500,
                    augmentation=AugmentationSettings(
                        scale=(0.6, 1.6), elastic=4, contrast=(0.6, 1.4), offset=0.15, inversion=0.4
                    ),
                    optimization=OptimizationSettings(learning_rate=1.5e-3),
                ),
            ),
            # and other magnifications: the same views for a second time, for longer
            *(
                Phase(
                    spec=AXONS,
                    data=("em_axon_sem",),
                    settings=TrainingSettings(
                        iterations=iterations,
                        validate_every=500,
                        augmentation=AugmentationSettings(
                            scale=(0.45, 2.6),
                            elastic=4,
                            contrast=(0.5, 1.4),
                            gamma=(0.6, 1.6),
                            offset=0.15,
                            blur=1.8,
                            noise=0.08,
                            inversion=0.35,
                        ),
                        optimization=OptimizationSettings(learning_rate=1.5e-3),
                    ),
                )
                for iterations in (4000, 6000)
            ),
        ),
    ),
    "nuclei-histology": Recipe(
        # a higher certainty is a little better here, yet would drop the paler nuclei of stains never seen
        thresholds=InstanceSettings(
            core_threshold=0.5, edge_threshold=0.3, min_size=30, min_core_share=0.75, min_mean_probability=0.5
        ),
        phases=(
            Phase(
                spec=HISTOLOGY,
                data=("dsb2018_histology",),
                settings=TrainingSettings(
                    iterations=2600,
                    validate_every=325,
                    weights=GENTLE,
                    augmentation=AugmentationSettings(scale=(0.6, 1.8), contrast=(0.7, 1.3)),
                ),
            ),
            # then other dyes and scanners; `restain` knew neither paler stains nor brown dyes yet
            Phase(
                spec=HISTOLOGY,
                data=("dsb2018_histology",),
                settings=TrainingSettings(
                    iterations=4000,
                    validate_every=500,
                    weights=GENTLE,
                    augmentation=AugmentationSettings(scale=(0.6, 1.8), contrast=(0.7, 1.3), stain=0.6),
                    optimization=OptimizationSettings(learning_rate=1.5e-3),
                ),
            ),
            # the same with these, too; its last weights are kept
            Phase(
                spec=HISTOLOGY,
                data=("dsb2018_histology",),
                settings=TrainingSettings(
                    iterations=2500,
                    validate_every=2500,
                    weights=GENTLE,
                    augmentation=AugmentationSettings(scale=(0.5, 1.8), contrast=(0.7, 1.3), stain=0.6),
                    optimization=OptimizationSettings(learning_rate=1e-3),
                ),
            ),
        ),
    ),
}
