"""What ImageJ itself makes of our masks; needs Debian's packages imagej and xvfb."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.files.tiff import write_labels

JAR = Path("/usr/share/java/ij.jar")
MACRO = """
open(getArgument());
Stack.getDimensions(w, h, c, z, t);
getVoxelSize(pw, ph, pd, unit);
Stack.setPosition(1, 3, 2);
getLut(r, g, b);
print(c + " " + z + " " + t + " " + pw + " " + ph + " " + pd + " " + unit + " " + Stack.getFrameInterval() + " "
    + getPixel(5, 4) + " " + (r[7] == g[7] && g[7] == b[7]));
"""


@pytest.mark.slow
@pytest.mark.skipif(not JAR.exists() or shutil.which("xvfb-run") is None, reason="needs imagej and xvfb")
@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
@pytest.mark.parametrize("highest", [300, 70000])
def test_imagej_opens_time_depth_calibration_values_and_colours(tmp_path, name, highest):
    labels = np.zeros((3, 5, 20, 30), np.int32)
    labels[1, 2, 4, 5] = highest
    size = PixelSize({"T": 30.0, "Z": 2.0, "Y": 0.2, "X": 0.25})
    write_labels(tmp_path / name, labels, axes="TZYX", pixel_size=size, provenance={"model": "nuclei"})
    macro = tmp_path / "macro.ijm"
    macro.write_text(MACRO)
    java = ["java", "-cp", str(JAR), "ij.ImageJ", "-batch", str(macro), str(tmp_path / name)]
    answer = subprocess.run(["xvfb-run", "-a", *java], capture_output=True, text=True, timeout=300, check=False)
    assert answer.stdout.split() == ["1", "5", "3", "0.25", "0.2", "2", "microns", "30", str(highest), "0"]
