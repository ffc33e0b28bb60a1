"""Segment an image, measure its objects, correct the labels and write the table.

python measure_objects.py [IMAGE] [OUTPUT]
"""

import sys

import numpy as np

from napari_unet import load_model, measure, open_image, segment
from napari_unet.files.table import write_table_steps
from napari_unet.measurement import measure_steps
from napari_unet.progress import finish
from napari_unet.proofreading import delete, touching_border
from napari_unet.samples import SAMPLES

path, output = (sys.argv[1:] + [SAMPLES[1].path, "objects.csv"][len(sys.argv) - 1 :])[:2]
image = open_image(path)
labels = segment(image, load_model("nuclei"))
delete(labels, touching_border(labels)).apply(labels)  # .revert(labels) takes it back

columns = measure(
    labels, image
)  # names of scikit-image's regionprops_table, in um where the file says how large a pixel is
print(f"{len(columns['label'])} objects, median area {np.median(columns['area']):.1f}")

table = finish(measure_steps(labels, image))  # the same, with units
finish(write_table_steps(output, table.columns, table.facts(labels={"source": image.name})))
print(f"written: {output} and a .json beside it with units, {table.units['area']} for areas")
