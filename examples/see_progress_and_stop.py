"""Segment step by step: every tile is a step, so a program can show how far it is, and stop at any time.

python see_progress_and_stop.py
"""

from napari_unet import load_model, open_image
from napari_unet.samples import SAMPLES
from napari_unet.segmentation import segment_steps

steps = segment_steps(open_image(SAMPLES[0].path), load_model("nuclei"))
try:
    while True:
        progress = next(steps)
        if progress.total:
            print(f"{progress.doing}: {progress.done} of {progress.total}")
        # steps.close() here would stop the work
except StopIteration as end:
    print(end.value.found)
