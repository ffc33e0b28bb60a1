"""What napari reads of the plugin, and that reading it loads nothing heavy."""

import subprocess
import sys
from pathlib import Path

from npe2 import PluginManifest

ROOT = Path(__file__).parents[1]


def test_the_manifest_is_found_in_the_package_and_its_commands_exist():
    manifest = PluginManifest.from_distribution("napari-unet-interactive")
    manifest.validate_imports()


def test_the_link_at_the_top_is_the_same_manifest():
    if not (ROOT / "napari.yaml").exists():
        return  # an installed package has no top level
    linked = PluginManifest.from_file(ROOT / "napari.yaml")
    assert linked == PluginManifest.from_file(ROOT / "src" / "napari_unet" / "napari.yaml")


HEAVY = ("torch", "scipy.ndimage", "scipy.sparse.csgraph", "pyqtgraph", "napari", "napari_unet.widgets")
"""What takes from a quarter of a second to seconds to import, and what must not come before it is wanted."""


def loaded_after(code):
    program = (
        f"{code}\nimport os, sys\n"
        f"print([m for m in {HEAVY} if m in sys.modules], flush=True)\n"
        "os._exit(0)"  # napari without an event loop may crash while Python tears it down
    )
    return (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        .stdout.strip()
        .splitlines()[-1]
    )


def test_importing_the_package_loads_neither_torch_nor_napari():
    assert loaded_after("import napari_unet") == "[]"


def test_listing_models_does_not_load_torch():
    assert loaded_after("from napari_unet.models.library import entries; entries()") == "[]"


def test_starting_napari_loads_neither_torch_nor_our_widgets():
    assert loaded_after("import napari; napari.Viewer(show=False)") == "['napari']"


def test_opening_the_panels_loads_nothing_that_takes_long():
    opening = (
        "import napari; v = napari.Viewer(show=False)\n"
        "for name in ('Segment', 'Fine-tune', 'Train', 'Results', 'Batch', 'Export'):\n"
        "    v.window.add_plugin_dock_widget('napari-unet-interactive', name)"
    )
    # the histogram in Results is of pyqtgraph
    assert loaded_after(opening) == "['pyqtgraph', 'napari', 'napari_unet.widgets']"
