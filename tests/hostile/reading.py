"""Read files with every reader in a process of its own, with little memory and time: only UnetErrors may come.

python -m tests.hostile.reading FOLDER                 every file under the folder
python -m tests.hostile.reading FOLDER --damage N      N damaged copies of them, chosen by hypothesis
"""

from __future__ import annotations

import argparse
import resource
import shutil
import signal
import warnings
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import numpy as np
import torch
from hypothesis import strategies as st

from napari_unet.errors import UnetError
from napari_unet.exchange import import_bioimageio
from napari_unet.files.class_images import read_class_images
from napari_unet.files.image_file import ImageFile
from napari_unet.files.images import read_image, read_labels
from napari_unet.files.label_formats import read_outlined_labels
from napari_unet.files.session import Session
from napari_unet.files.tiff import read_facts
from napari_unet.files.zarr import fields_of
from napari_unet.models.library import replay_of
from napari_unet.models.model import load_model_file
from napari_unet.models.spec import read_spec
from napari_unet.nets.optimization import Optimization, OptimizationSettings
from napari_unet.nets.vgg16 import read_public_weights
from tests.conftest import make_bright_model

GIB = 2**30
MEMORY, SECONDS = 6 * GIB, 20
"""What reading one file may take: PyTorch alone maps 2 GiB, and a test machine may be busy."""


def pixels(path):
    """Read an image and all of its pixels, where they are not more than fit."""
    image = read_image(path)
    if np.prod([float(side) for side in image.array.shape]) < 2**24:
        np.asarray(image.array)


def outlines(path):
    """Fill the outlines in a file, on the image that it says and on one of its own."""
    with suppress(UnetError):
        read_outlined_labels(path)
    read_outlined_labels(path, ImageFile(array=np.zeros((2, 24, 32), np.uint8), axes="ZYX"))


def checkpoint(path):
    """Go on from a checkpoint."""
    net = make_bright_model().net
    Optimization(net, OptimizationSettings(), iterations=1, device=torch.device("cpu")).restore(path)


READERS = {
    "images": [
        pixels,
        read_labels,
        lambda path: read_class_images([path]),
        lambda path: read_class_images([path], strokes=True),
    ],
    ".tif": [read_facts],
    ".safetensors": [load_model_file, lambda path: replay_of(read_spec(path)), read_public_weights],
    ".pt": [read_public_weights],
    ".zip": [import_bioimageio, outlines],
    ".roi": [outlines],
    ".geojson": [outlines],
    ".checkpoint": [checkpoint],
    ".npz": [lambda path: Session(path.parent).read()],
    ".json": [lambda path: Session(path.parent).read(), outlines],
}


def folder_of(path):
    """Return the folder that a file is read with, a session or an OME-Zarr; None for a file of its own."""
    return next((folder for folder in path.parents if folder.name == "session" or folder.suffix == ".zarr"), None)


def readers_of(path):
    """Return what reads a file of this name."""
    folder = folder_of(path)
    if folder is not None and folder.suffix == ".zarr":
        return [lambda _: pixels(folder), lambda _: read_labels(folder), lambda _: fields_of(folder)]
    return READERS.get(path.suffix, READERS["images"]) + (READERS[".tif"] if path.name.endswith(".tif") else [])


def read(path):
    """Read a file in all ways; anything but a UnetError of one line ends this process with a traceback."""
    for reader in readers_of(path):
        signal.alarm(SECONDS)
        try:
            reader(path)
        except UnetError as error:
            said = str(error)
            if not said.isprintable() or len(said) > 1300:
                raise AssertionError(f"no plain sentence: {said!r}") from error
        finally:
            signal.alarm(0)


def in_time(*_):
    """End what takes too long."""
    raise AssertionError("reading takes too long")


NUMBERS = [
    b"\0",
    b"\xff",
    b"\x01",
    b"\xff" * 4,
    b"\0" * 4,
    b"\xff\xff\xff\x7f",
    b"\0" * 8,
    b"\xff" * 8,
    b"9" * 9,
    b"-1",
    b"[" * 99,
]


@dataclass(repr=False)
class Damaged:
    """A damaged copy of a file."""

    path: Path
    content: bytes

    def __repr__(self):
        return f"a damaged {self.path.name}"


@st.composite
def damaged(draw, files):
    """Return a file and its content with some bits turned, bytes replaced, parts cut out or doubled."""
    path = draw(st.sampled_from(files))
    content = bytearray(path.read_bytes())
    for _ in range(draw(st.integers(1, 4))):
        size = max(1, len(content))
        end = draw(st.sampled_from([size, size, min(size, 600)]))  # headers decide the most
        at = draw(st.integers(0, end - 1))
        how = draw(st.sampled_from(["bit", "number", "cut", "drop", "double", "swap"]))
        if how == "bit":
            content[at : at + 1] = bytes(byte ^ (1 << draw(st.integers(0, 7))) for byte in content[at : at + 1])
        elif how == "number":
            number = draw(st.sampled_from(NUMBERS))
            content[at : at + len(number)] = number
        elif how == "cut":
            del content[at:]
        elif how == "drop":
            del content[at : at + draw(st.integers(1, 40))]
        elif how == "double":
            content[at:at] = content[at : at + draw(st.integers(1, 40))]
        else:
            other = draw(st.integers(0, size - 1))
            content[at : at + 4], content[other : other + 4] = content[other : other + 4], content[at : at + 4]
    return Damaged(path, bytes(content))


def read_damaged(folder, count, seed):
    """Read so many damaged copies of the files in a folder; return in words how many of which kind."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    work = folder.parent / "damaged"
    read_as: Counter[str] = Counter()

    @hypothesis.seed(seed)
    @hypothesis.settings(
        phases=[hypothesis.Phase.generate],
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(damaged(files))
    def run(case):
        path, content = case.path, case.content
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        folder = folder_of(path)
        if folder is not None:
            shutil.copytree(folder, work / folder.name)
        copy = work / path.relative_to(path.parent if folder is None else folder.parent)
        copy.write_bytes(content)
        read(copy)
        read_as["session" if folder is not None and folder.name == "session" else (folder or copy).suffix] += 1

    run()
    return (
        f"{count} damaged files read: {', '.join(f'{number} {kind}' for kind, number in sorted(read_as.items()))}"
    )


def main():
    """Read what the arguments say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--damage", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with suppress(ImportError):  # not while reading: it takes seconds
        import bioio  # noqa: F401
        import bioio_lif  # noqa: F401
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, in_time)
    if given.damage:
        print(read_damaged(given.folder, given.damage, given.seed))  # noqa: T201
        return
    for path in sorted(given.folder.rglob("*")):
        if not path.is_dir():
            print(path.name, flush=True)  # noqa: T201
            read(path)


if __name__ == "__main__":
    main()
