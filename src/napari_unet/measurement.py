"""From labels to numbers: a table of objects with their sizes, shapes, places and intensities."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_unet._version import __version__
from napari_unet.arrays.axes import check_axes, part_at, result_axes
from napari_unet.arrays.intensity_channels import image_channels
from napari_unet.arrays.object_figures import INTENSITIES, PROPERTIES, Columns, object_figures
from napari_unet.arrays.pixel_size import LENGTHS, PixelSize
from napari_unet.arrays.source import Source
from napari_unet.errors import UnetError
from napari_unet.progress import Progress, Steps, finish, map_progress
from napari_unet.whole_numbers import as_whole_numbers

POSITIONS = {"T": "frame", "Z": "plane"}
"""Columns of axes along which objects are measured one by one; positions count from 0."""
REGION = "region"
MAX_ID = 2**62
"""Ids are counted with in int64."""
LENGTH_COLUMNS = (
    "centroid", "equivalent_diameter_area", "axis_major_length", "axis_minor_length", "perimeter"
)  # fmt: skip
IN_PIXELS = ("bbox", "num_pixels")

Images = ArrayLike | Source | Mapping[str, ArrayLike | Source]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ObjectTable:
    """Figures of objects, a row each."""

    columns: Columns
    """By scikit-image's names: label, area, centroid-0, ...; all of one length."""
    spatial: str
    """The axes of one object, "YX" or "ZYX": centroid-0 is along the first."""
    pixel_size: PixelSize | None = None

    def __len__(self) -> int:
        return len(self.columns["label"])

    @property
    def units(self) -> dict[str, str]:
        """Return the unit of each column that has one."""
        length = "um" if self.spacing is not None else "px"
        return {name: unit for name in self.columns if (unit := _unit(name, length, len(self.spatial)))}

    @property
    def spacing(self) -> tuple[float, ...] | None:
        """Return um per pixel along each spatial axis, None where unknown."""
        return None if self.pixel_size is None else self.pixel_size.lengths(self.spatial)

    def updated(self, ids: Sequence[int] | NDArray[Any], fresh: ObjectTable) -> ObjectTable:
        """Return the table with the rows of some ids replaced by those of a fresh table, which may lack some."""
        kept = ~np.isin(self.columns["label"], ids)
        columns = {name: np.concatenate([self.columns[name][kept], fresh.columns[name]]) for name in self.columns}
        keys = [columns[name] for name in ("label", *POSITIONS.values()) if name in columns]
        order = np.lexsort([keys[0], *keys[1:][::-1]])
        return replace(self, columns={name: column[order] for name, column in columns.items()})

    def facts(self, **sources: Any) -> dict[str, Any]:
        """Return what stands in the JSON beside the table: units, pixel size, version, and what was measured."""
        size = self.pixel_size.by_axis if self.pixel_size is not None else {}
        return {
            "software": "napari-unet-interactive",
            "version": __version__,
            "objects": len(self),
            "axes": self.spatial,
            "pixel_size_um": {axis: size[axis] for axis in self.spatial if axis in size} or None,
            **({"frame_interval_s": size["T"]} if "T" in size else {}),
            "units": self.units,
            "columns": "as scikit-image's regionprops_table names them; frame and plane count from 0",
            **sources,
        }


def measure(
    labels: ArrayLike,
    image: Images | None = None,
    *,
    axes: str | None = None,
    pixel_size: PixelSize | Sequence[float] | None = None,
    regions: ArrayLike | None = None,
    volumes: bool | None = None,
    properties: Sequence[str] | None = None,
) -> Columns:
    """Return a table of the objects in labels, a row each, as a dictionary of columns.

    Parameters
    ----------
    labels
        Whole numbers, 0 is background: one plane, a volume, or a stack of them in Z and T.
    image
        Intensities over the labels: an array or `Source`, also with channels, or several by name.
    axes
        One letter a dimension of the image, or of the labels where there is none, for example "TCYX". May be left
        out for (Y, X), and where a `Source` says it.
    pixel_size
        um along (Y, X), or (Z, Y, X) where there is Z; None takes that of a `Source`, else counts pixels.
    regions
        Labels of drawn regions, of the labels' shape or of its last axes. An object belongs to the region in which
        its centroid lies.
    volumes
        Whether an object goes on through Z. None looks: it does where one id overlaps itself in the next plane.
    properties
        Which of scikit-image's properties; None takes all of PROPERTIES that the dimensions have.

    Returns
    -------
    dict of str to numpy.ndarray
        Columns as `skimage.measure.regionprops_table` names them, in um where the pixel size is known; before them
        `label`, and `frame`, `plane` and `region` where there are such.

    Raises
    ------
    UnetError
        If labels are no whole numbers from 0, shapes or axes do not fit, or a property is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_unet import measure
    >>> labels = np.array([[1, 1, 0, 2], [1, 1, 0, 2]])
    >>> table = measure(labels, labels * 10, pixel_size=(0.5, 0.5))
    >>> table["label"].tolist(), table["area"].tolist(), table["intensity_mean"].tolist()
    ([1, 2], [1.0, 0.5], [10.0, 20.0])
    """
    steps = measure_steps(
        labels, image, axes=axes, pixel_size=pixel_size, regions=regions, volumes=volumes, properties=properties
    )
    return finish(steps).columns


def measure_steps(
    labels: ArrayLike,
    image: Images | None = None,
    *,
    axes: str | None = None,
    pixel_size: PixelSize | Sequence[float] | None = None,
    regions: ArrayLike | None = None,
    volumes: bool | None = None,
    properties: Sequence[str] | None = None,
    only: Sequence[int] | None = None,
) -> Steps[ObjectTable]:
    """Measure in steps; see `measure`. `only` restricts the table to some ids."""
    values, wanted = _checked(labels), _known(properties)
    sources = _sources(image, axes)
    found = _label_axes(axes, sources, values.shape)
    size = PixelSize.of(pixel_size, found) or next((one.pixel_size for one in sources.values()), None)
    solid = has_volumes(values, found) if volumes is None else volumes
    spatial = "".join(axis for axis in LENGTHS if axis in found and (solid or axis != "Z"))
    spacing = (size and size.lengths(spatial)) or (1.0,) * len(spatial)
    drawn = None if regions is None else _regions(regions, values.shape)
    channels = list(image_channels(sources)) if set(INTENSITIES) & set(wanted) else []
    blocks: list[Columns] = []
    places = list(_places(found, values.shape, spatial))
    for number, place in enumerate(places):
        read = [channel.at(place, spatial) for channel in channels]
        steps = object_figures(part_at(values, found, place, spatial), spacing, (*wanted, "centroid"), read, only)
        block = yield from map_progress(steps, partial(_overall, number=number, total=len(places)))
        within = None if drawn is None else part_at(drawn, found, place, spatial)
        blocks.append(_with_positions(block, place, within, spacing, wanted))
    return ObjectTable(columns=_stacked(blocks), spatial=spatial, pixel_size=size)


def _checked(labels: ArrayLike) -> NDArray[Any]:
    """Return labels as whole numbers from 0."""
    values = as_whole_numbers(np.asarray(labels))
    if values.dtype.kind not in "biu":
        raise UnetError(f"labels must be whole numbers, got {values.dtype}: round them and save as integers")
    if values.ndim < 2 or not values.size:
        raise UnetError(f"labels have Y and X at least, got the shape {values.shape}: give a plane or a stack")
    if values.min() < 0:
        raise UnetError(f"labels must not be negative, got {values.min()}: use 0 for background")
    if values.max() > MAX_ID:
        raise UnetError(f"labels must not be above {MAX_ID}, got {values.max()}: number the objects anew")
    return values.astype(np.uint8) if values.dtype.kind == "b" else values


def _known(properties: Sequence[str] | None) -> tuple[str, ...]:
    """Return which properties are wanted, with the centroids that regions need."""
    for name in properties or ():
        if name not in PROPERTIES:
            raise UnetError(f"{name!r} cannot be measured: choose from {', '.join(PROPERTIES)}")
    return PROPERTIES if properties is None else tuple(properties)


def _sources(image: Images | None, axes: str | None) -> dict[str, Source]:
    """Return the images by name."""
    if image is None:
        return {}
    named = image if isinstance(image, Mapping) else {"": image}
    return {str(name): one if isinstance(one, Source) else Source.of(one, axes) for name, one in named.items()}


def _label_axes(axes: str | None, sources: Mapping[str, Source], shape: tuple[int, ...]) -> str:
    """Return the axes of the labels; UnetError where an image does not lie under them."""
    for name, source in sources.items():
        if source.label_shape != shape:
            image = f"the image {name}".rstrip()
            raise UnetError(
                f"labels of shape {shape} do not fit {image}, which is {source.axes} {tuple(source.array.shape)}: "
                "give the image that they were made of, or name its axes"
            )
    if sources:
        return next(iter(sources.values())).label_axes
    return check_axes(result_axes(axes.upper()) if axes else None, shape)


def has_volumes(values: NDArray[Any], axes: str) -> bool:
    """Whether an id overlaps itself from one plane to the next: then objects go on through Z."""
    if "Z" not in axes:
        return False
    planes = np.moveaxis(values, axes.index("Z"), 0)
    return any(bool(((one == other) & (one > 0)).any()) for one, other in itertools.pairwise(planes))


def _places(axes: str, shape: tuple[int, ...], spatial: str) -> Iterator[dict[str, int]]:
    """Yield the positions of all planes or volumes along the other axes."""
    loops = [axis for axis in axes if axis not in spatial]
    lengths = dict(zip(axes, shape, strict=True))
    for position in itertools.product(*(range(lengths[axis]) for axis in loops)):
        yield dict(zip(loops, position, strict=True))


def _regions(regions: ArrayLike, shape: tuple[int, ...]) -> NDArray[Any]:
    try:
        return np.broadcast_to(np.asarray(regions), shape)
    except ValueError:
        raise UnetError(
            f"regions of shape {np.shape(regions)} do not fit labels of shape {shape}: draw them on the same image"
        ) from None


def _with_positions(
    block: Columns,
    place: Mapping[str, int],
    regions: NDArray[Any] | None,
    spacing: Sequence[float],
    wanted: Sequence[str],
) -> Columns:
    """Return columns with those that say where an object is, the label first."""
    positions = {
        column: np.full(len(block["label"]), place[axis]) for axis, column in POSITIONS.items() if axis in place
    }
    if regions is not None:
        centroids = [block[f"centroid-{axis}"] / side for axis, side in enumerate(spacing)]
        positions[REGION] = regions[tuple(np.rint(centroid).astype(np.intp) for centroid in centroids)]
    rest = {name: column for name, column in block.items() if name.partition("-")[0] in wanted}
    return {"label": block["label"], **positions, **rest}


def _stacked(blocks: Sequence[Columns]) -> Columns:
    """Return the rows of all planes one after the other."""
    if len(blocks) == 1:
        return dict(blocks[0])
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _overall(step: Progress, *, number: int, total: int) -> Progress:
    """Return progress in planes where there are several."""
    return step if total == 1 else Progress(done=number, total=total, doing=step.doing)


def _unit(column: str, length: str, dims: int) -> str:
    """Return the unit of a column, empty where it has none; `length` is that of a side of a pixel."""
    name = column.partition("-")[0]
    if name == "area":
        return f"{length}^{dims}"
    return "px" if name in IN_PIXELS else length if name in LENGTH_COLUMNS else ""
