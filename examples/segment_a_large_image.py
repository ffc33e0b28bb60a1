"""Segment an image that is larger than memory, and read a part of the labels.

python segment_a_large_image.py [IMAGE] [LABELS.zarr] [SCHEDULER]
"""

import sys
import tempfile
from pathlib import Path

import zarr

from napari_unet import load_model, open_image, segment_to_zarr
from napari_unet.samples import SAMPLES

given = [*sys.argv[1:], "", "", ""][:3]
image = open_image(given[0] or SAMPLES[1].path)  # read where it is looked at
output = Path(given[1] or Path(tempfile.mkdtemp()) / "labels.zarr")
count = segment_to_zarr(image, load_model("nuclei"), output, scheduler=given[2] or None)

labels = zarr.open_array(output / "labels" / "segmentation" / "0", mode="r")
corner = labels[(..., slice(0, 100), slice(0, 100))]
print(f"{output}: {count} objects in {labels.shape}, {len(set(corner.ravel())) - 1} in the first corner")
