"""Plan a segmentation in this process and run it in another one: the plan holds all that decides the labels.

python plan_here_run_elsewhere.py
"""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from napari_unet import load_model, open_image
from napari_unet.planning import SegmentationPlan, plan_segmentation
from napari_unet.progress import finish
from napari_unet.samples import SAMPLES
from napari_unet.segmentation import run_plan
from napari_unet.settings.zooms import zoom_text


def count_objects(plan: SegmentationPlan) -> int:
    """Return how many objects a plan finds; the model is loaded where this runs."""
    return finish(run_plan(plan)).count


if __name__ == "__main__":
    plan = finish(plan_segmentation(open_image(SAMPLES[1].path), load_model("nuclei")))
    print(f"{plan.shape} pixels of {plan.source.name}, seen at {zoom_text(plan.zoom)}")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        print(pool.submit(count_objects, plan).result(), "objects")
