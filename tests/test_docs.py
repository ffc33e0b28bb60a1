"""The texts: no placeholder left, no dead link, no word that belongs elsewhere."""

import re
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
