"""The texts: no placeholder left, no dead link, no word that belongs elsewhere."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("*.md")])


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_a_text_is_finished_and_its_links_lead_somewhere(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"@[A-Z0-9]+@", text)
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        assert target.startswith("http") or (path.parent / target).exists(), target


def test_nobody_is_told_to_install_another_project():
    for path in TEXTS:
        assert not re.search(r"pip install [\"']?napari-unet(?!-interactive)", path.read_text(encoding="utf-8"))


def test_the_constants_of_intensities_are_those_of_the_code():
    text = (ROOT / "docs/explanation/intensities.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)\.([A-Z_]+)` \| ([\d., ]+) \|", text, re.MULTILINE)
    assert len(rows) > 30
    for module, name, said in rows:
        folder = "" if module == "intensities" else "normalization."
        value = getattr(import_module(f"napari_unet.arrays.{folder}{module}"), name)
        numbers = [float(one.replace(" ", "")) for one in said.split(", ")]
        assert numbers == [float(one) for one in (value if isinstance(value, tuple) else (value,))], name
