"""Segment all images of a folder, and show those first that need an eye.

python segment_a_folder.py [FOLDER] [MASKS]
"""

import sys
from pathlib import Path

from napari_unet import load_model
from napari_unet.batch import BatchRequest, batch_steps
from napari_unet.files.batch_row import FAILED
from napari_unet.files.image_list import input_files
from napari_unet.progress import finish
from napari_unet.samples import SAMPLES

folder, masks = (sys.argv[1:] + [SAMPLES[0].path.parent, "masks"][len(sys.argv) - 1 :])[:2]
images, left_out = input_files([str(folder)])
request = BatchRequest(images=images, output=Path(masks))
rows = finish(batch_steps(request, load_model("nuclei")))
for row in sorted(rows, key=lambda row: row.quality or 0.0):
    if row.state == FAILED:
        print(row.text)
    else:
        print(f"{row.image.name}: {row.text}, quality {row.quality:.2f}, in {row.mask}")
