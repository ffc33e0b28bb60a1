"""Segment one image and write a calibrated mask beside it.

python segment_one_image.py [IMAGE] [OUTPUT]
"""

import sys

from napari_unet import load_model, open_image, segment
from napari_unet.files.tiff import write_labels
from napari_unet.samples import SAMPLES

path, output = (sys.argv[1:] + [SAMPLES[1].path, "labels.tif"][len(sys.argv) - 1 :])[:2]
image = open_image(path)
labels = segment(image, load_model("nuclei"))
write_labels(output, labels, axes=image.label_axes, pixel_size=image.pixel_size, provenance=None)
print(f"{labels.max()} objects in {image.name}, written to {output}")
