"""A folder in which a run that works block by block keeps what it has done, until it becomes the output.

It lies beside the output and is called after it. `work` holds the map, and the instances before their ridge is
given back; `done` a file for every block of every stage that is done; `result` is the OME-Zarr group that takes
the output's name when all of it is there. A run that was ended, whatever ended it, goes on from there.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.errors import UnetError, first_line
from napari_unet.files.json_text import parse_json
from napari_unet.files.lazy_array import FAULTS
from napari_unet.files.ome_zarr_labels import NAME, OmeLayout, describe, level_shapes, make_groups, make_level

UNFINISHED = ".unfinished"
DAMAGE = tuple(fault for fault in FAULTS if fault is not MemoryError)
"""What damaged files raise; memory that does not suffice is no damage."""
MAP, PARTS, PLAN = "map", "parts", "plan.json"
INNER = ("work", "done", "names", "result", f"{PLAN}.tmp")
"""What the folder holds before there is a plan."""


def _is_side(side: object) -> bool:
    return isinstance(side, int) and not isinstance(side, bool) and side > 0


def unfinished(output: Path) -> Path:
    """Return the folder in which the run that is to write `output` works."""
    return output.with_name(output.name + UNFINISHED)


@dataclass(frozen=True, slots=True)
class BlockStore:
    """The folder of one run; it holds no open file, so that another process may use it, too.

    An OSError is that of the disk: who runs says which output could not be written.
    """

    folder: Path

    def begin(
        self,
        plan: Mapping[str, Any],
        layout: OmeLayout,
        *,
        shape: Sequence[int],
        cut: Mapping[str, Sequence[int]],
    ) -> dict[str, tuple[int, ...]]:
        """Make the folder, or find it as a run of the same plan left it; return how the image is cut there.

        `shape` is that of the labels, in the order of the layout's axes; `cut` holds the "sides" of a block in
        that order, and whatever else is to stay as it was. UnetError where the plan was another one.
        """
        known = self._known()
        if known is not None:
            self._require_same(known["plan"], json.loads(json.dumps(plan)))
            return self._known_cut(known["cut"], cut)
        self._make(layout, shape, cut["sides"])
        text = json.dumps({"plan": plan, "cut": cut}, allow_nan=False)
        self._write(PLAN, text.encode())  # last: without it, the folder is made anew
        return {name: tuple(sides) for name, sides in cut.items()}

    def _known_cut(self, known: Any, wanted: Mapping[str, Sequence[int]]) -> dict[str, tuple[int, ...]]:
        """Return how a former run cut the image; UnetError where that is no such cut."""
        lists = known if isinstance(known, dict) and set(known) == set(wanted) else {}
        for name, sides in lists.items():
            if not isinstance(sides, list) or len(sides) != len(wanted[name]) or not all(map(_is_side, sides)):
                lists = {}
                break
        if not lists:
            raise self._damaged("its plan says no sides of blocks")
        return {name: tuple(sides) for name, sides in lists.items()}

    def _damaged(self, why: object) -> UnetError:
        said = first_line(why) if isinstance(why, BaseException) else why
        return UnetError(f"the unfinished run in {self.folder} is damaged ({said}): remove it to begin anew")

    def _require_same(self, former: Mapping[str, Any], plan: Mapping[str, Any]) -> None:
        odd = sorted(name for name in {*former, *plan} if former.get(name) != plan.get(name))
        if odd:
            raise UnetError(
                f"{self.folder} holds an unfinished run of another {', '.join(odd)}: remove it to begin anew, or "
                "choose another output"
            )

    def _known(self) -> dict[str, Any] | None:
        """Return what the run that was begun was to do; None where none was."""
        file = self.folder / PLAN
        if not file.is_file():
            return None
        try:
            known = parse_json(file.read_text())
        except (ValueError, OSError) as error:
            raise UnetError(f"cannot read {file} ({first_line(error)}): remove {self.folder}") from None
        if not isinstance(known, dict) or not isinstance(known.get("plan"), dict) or "cut" not in known:
            raise UnetError(f"{file} holds no plan: remove {self.folder}")
        return known

    def _make(self, layout: OmeLayout, shape: Sequence[int], sides: Sequence[int]) -> None:
        import zarr

        if self.folder.exists():
            self._require_ours()
            shutil.rmtree(self.folder)
        for inner in ("work", "done", "names"):
            (self.folder / inner).mkdir(parents=True)
        chunks = tuple(sides)
        for name, dtype in ((MAP, np.uint8), (PARTS, np.int32)):
            zarr.create_array(self.folder / "work" / name, shape=tuple(shape), dtype=dtype, chunks=chunks)
        _, group = make_groups(self.folder / "result", layout)
        chunked = dict(zip(layout.letters, sides, strict=True))
        for number, size in enumerate(level_shapes(shape)):
            make_level(group, number, layout, shape=size, dtype=np.uint32, sides=chunked)

    def _require_ours(self) -> None:
        """Refuse to remove a folder of this name that holds other files."""
        if not self.folder.is_dir() or self.folder.is_symlink():
            raise UnetError(f"{self.folder} is not the folder of an unfinished run: choose another output")
        if foreign := next((inner.name for inner in self.folder.iterdir() if inner.name not in INNER), None):
            raise UnetError(
                f"{self.folder} holds {foreign}, which no unfinished run writes: choose another output"
            )

    def work(self, name: str) -> Any:
        """Return the array MAP (uint8) or PARTS (int32), to be read and written."""
        return self._open(self.folder / "work" / name)

    def level(self, number: int) -> Any:
        """Return the array of one level of the pyramid, uint32; 0 holds the labels at their own size."""
        return self._open(self.folder / "result" / "labels" / NAME / str(number))

    def _open(self, place: Path) -> Any:
        import zarr

        try:
            return zarr.open_array(place, mode="r+")
        except DAMAGE as error:
            raise self._damaged(error) from error

    def read(self, array: Any, place: tuple[int | slice, ...]) -> NDArray[Any]:
        """Return a part of one of the arrays; UnetError where a file of it is damaged."""
        try:
            return np.asarray(array[place])
        except DAMAGE as error:
            raise self._damaged(error) from error

    def done(self) -> frozenset[str]:
        """Return the marks of all that is done."""
        return frozenset(path.name for path in (self.folder / "done").iterdir())

    def mark(self, what: str) -> None:
        """Note that something is done, after it was written."""
        (self.folder / "done" / what).touch()

    def write_names(self, what: str, names: NDArray[np.int64]) -> None:
        """Keep the names of the instances of a block, then mark it as done."""
        file = self.folder / "names" / f"{what}.npy"
        temporary = file.with_name(f"{what}-{os.getpid()}.tmp")
        with temporary.open("wb") as opened:
            np.save(opened, names, allow_pickle=False)
        temporary.replace(file)
        self.mark(what)

    def read_names(self, what: str) -> NDArray[np.int64]:
        """Return the names of the instances of a block."""
        try:  # mapped: the size that it claims takes no memory
            names = np.load(
                self.folder / "names" / f"{what}.npy", allow_pickle=False, mmap_mode="r"
            )  # no size is believed
        except DAMAGE as error:
            raise self._damaged(error) from error
        if not isinstance(names, np.ndarray) or names.shape[1:] != (2,) or names.dtype != np.int64:
            raise self._damaged(f"{what}.npy holds no names of instances")
        return np.array(names)

    def finish(self, output: Path, layout: OmeLayout, levels: int, provenance: Mapping[str, Any]) -> None:
        """Give the labels the name of the output, and remove the folder."""
        import zarr

        root = zarr.open_group(self.folder / "result", mode="r+")
        describe(root, root[f"labels/{NAME}"], layout, levels, provenance)
        if output.exists():
            raise UnetError(f"cannot write {output}: it exists: choose another name, or remove it first")
        (self.folder / "result").rename(output)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self, name: str, content: bytes) -> None:
        """Write a small file whole or not at all."""
        temporary = self.folder / f"{name}.tmp"
        temporary.write_bytes(content)
        temporary.replace(self.folder / name)
