"""Teach a model with a few strokes: 0 is not annotated, 1 background, every number from 2 on one object.

python fine_tune_from_strokes.py [SECONDS]
"""

import sys

import numpy as np

from napari_unet import FineTuningSettings, fine_tune, load_model, open_image
from napari_unet.samples import SAMPLES

image = np.asarray(open_image(SAMPLES[1].path).array)
strokes = np.zeros(image.shape, np.uint8)
rows, columns = np.nonzero(image > np.percentile(image, 90))
for number, place in enumerate(range(0, len(rows), max(1, len(rows) // 8)), start=2):
    strokes[rows[place] : rows[place] + 3, columns[place] : columns[place] + 3] = number
strokes[(image < np.percentile(image, 20)) & (np.indices(image.shape)[1] % 16 == 0)] = 1

seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
model = load_model("nuclei")
better = fine_tune(model, [(image, strokes)], settings=FineTuningSettings(seconds=seconds))
print("kept the old model" if better is model else f"learnt: {better.spec.training['fine_tuning']}")
