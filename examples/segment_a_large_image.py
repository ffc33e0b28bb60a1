"""Segment an image that is larger than memory, and read a part of the labels.

python segment_a_large_image.py [IMAGE] [LABELS.zarr] [SCHEDULER]
"""

import sys
import tempfile
from pathlib import Path

import zarr

from napari_unet import load_model, open_image, segment_to_zarr
from napari_unet.samples import SAMPLES


def main(image="", output="", scheduler=""):
    """Segment one image into an OME-Zarr."""
    source = open_image(image or SAMPLES[1].path)  # read where it is looked at
    written = Path(output or Path(tempfile.mkdtemp()) / "labels.zarr")
    count = segment_to_zarr(source, load_model("nuclei"), written, scheduler=scheduler or None)

    labels = zarr.open_array(written / "labels" / "segmentation" / "0", mode="r")
    corner = labels[(..., slice(0, 100), slice(0, 100))]
    print(f"{written}: {count} objects in {labels.shape}, {len(set(corner.ravel())) - 1} in the first corner")


if __name__ == "__main__":  # worker processes import this file, and shall not begin anew
    main(*sys.argv[1:4])
