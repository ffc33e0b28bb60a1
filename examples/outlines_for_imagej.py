"""Segment an image, write ImageJ ROIs, and read them back as the same labels.

python outlines_for_imagej.py [IMAGE] [OUTPUT.zip]
"""

import sys

from napari_unet import convert, load_model, open_image, segment
from napari_unet.files.images import read_labels
from napari_unet.files.label_formats import write_label_file
from napari_unet.samples import SAMPLES

path, output = (sys.argv[1:] + [SAMPLES[1].path, "cells.zip"][len(sys.argv) - 1 :])[:2]
image = open_image(path)
labels = segment(image, load_model("nuclei"))
write_label_file(output, labels, axes=image.label_axes, pixel_size=image.pixel_size, provenance=None)
print(f"{labels.max()} objects, written to {output}: drag it onto the image in ImageJ")

mask = convert(output, "mask.tif", like=path)  # after corrections in ImageJ
print(f"{mask} has the same pixels: {(read_labels(mask).array == labels).all()}")
