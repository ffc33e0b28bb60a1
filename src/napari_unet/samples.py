"""The sample images that come with the package: real microscopy, CC0, credit in samples/README.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "samples"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One bundled image, axes YX."""

    title: str
    path: Path


SAMPLES = (
    Sample(title="U2OS nuclei, 16 bit", path=FOLDER / "u2os_nuclei.tif"),
    Sample(title="Crowded nuclei, 8 bit", path=FOLDER / "crowded_nuclei.tif"),
)
