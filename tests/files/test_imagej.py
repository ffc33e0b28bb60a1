"""What ImageJ itself makes of our masks; needs Debian's packages imagej and xvfb."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from napari_unet.arrays.pixel_size import PixelSize
from napari_unet.files.images import read_image, read_labels
from napari_unet.files.label_formats import read_outlined_labels, write_label_file
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


ROI_MACRO = """
arguments = split(getArgument(), ",");
open(arguments[0]);
roiManager("open", arguments[1]);
setBatchMode(true);
getDimensions(w, h, c, z, t);
newImage("back", "16-bit black", w, h, c, z, t);
for (i = 0; i < roiManager("count"); i++) {
    roiManager("select", i);
    name = RoiManager.getName(i);
    number = parseInt(replace(substring(name, 7), "_.*", ""));
    run("Set...", "value=" + number + " slice");
}
run("Select None");
saveAs("Tiff", arguments[2]);
roiManager("deselect");
roiManager("save", arguments[3]);
"""


@pytest.mark.slow
@pytest.mark.skipif(not JAR.exists() or shutil.which("xvfb-run") is None, reason="needs imagej and xvfb")
@pytest.mark.parametrize("axes", ["YX", "ZYX", "TZYX"])
def test_imagej_opens_our_rois_where_they_belong_and_saves_what_comes_back(tmp_path, axes):
    labels = np.zeros((2, 3, 20, 30), np.int32)
    labels[:, :, 2:9, 3:12] = 3
    labels[:, :, 4:6, 5:7] = 0  # a hole
    labels[:, :, 2:9, 12:20] = 4  # touching
    labels[0, 1, 12:15, 2:9] = labels[0, 1, 16:18, 20:22] = 5  # two parts
    labels[1, 2, 12:15, 2:9] = 6
    labels = labels[(0, 1)[: 4 - len(axes)]]
    write_labels(tmp_path / "a.tif", labels, axes=axes, pixel_size=None, provenance=None)
    write_label_file(tmp_path / "a.zip", labels, axes=axes, pixel_size=None, provenance=None)
    macro = tmp_path / "macro.ijm"
    macro.write_text(ROI_MACRO)
    names = ",".join(str(tmp_path / name) for name in ("a.tif", "a.zip", "back.tif", "back.zip"))
    java = ["java", "-cp", str(JAR), "ij.ImageJ", "-batch", str(macro), names]
    answer = subprocess.run(["xvfb-run", "-a", *java], capture_output=True, text=True, timeout=300, check=False)
    assert (tmp_path / "back.zip").exists(), (answer.stdout, answer.stderr)
    assert (read_labels(tmp_path / "back.tif").array.reshape(labels.shape) == labels).all()
    again = read_outlined_labels(tmp_path / "back.zip", read_image(tmp_path / "a.tif"))
    assert (again.array == labels).all()


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
