"""Train a small network on labelled images, save it, and measure it on an image that it did not learn from.

python train_and_evaluate.py [ITERATIONS] [OUTPUT]
"""

import sys

import numpy as np

from napari_unet import TrainingSettings, evaluate, load_model, open_image, segment, train
from napari_unet.samples import SAMPLES

iterations = int(sys.argv[1]) if len(sys.argv) > 1 else 200
output = sys.argv[2] if len(sys.argv) > 2 else "mine.safetensors"
image = np.asarray(open_image(SAMPLES[0].path).array)
truth = segment(image, load_model("nuclei"))  # your own labels belong here
left, right = (slice(None), slice(0, 400)), (slice(None), slice(400, None))
settings = TrainingSettings(iterations=iterations, batch=2, patch=64)
model = train([(image[left], truth[left])], settings=settings).save(output)
scores = evaluate(segment(image[right], model), truth[right])
print(f"AP@0.5 after {iterations} iterations: {scores.average_precision[0.5]:.2f}, saved as {model.path}")
