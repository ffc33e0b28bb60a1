"""What became of one image of many, as the command line and the window show it; no PyTorch is needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

DONE, KEPT, FAILED = "done", "kept", "failed"
"""States of a row: segmented now; there already, of the same image, model and settings; not segmented."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRow:
    """What became of one image."""

    image: Path
    mask: Path
    state: str
    """DONE, KEPT or FAILED."""
    count: int | None = None
    """The number of objects; None for classes, and where it failed."""
    mean_area: float | None = None
    """Mean size of the objects in pixels."""
    quality: float | None = None
    """Predicted share of the objects that are right, 0 to 1; see `quality`."""
    text: str = ""
    """In words: what was found, or why it failed."""
    remarks: tuple[str, ...] = ()
    """Sentences that the user should read."""

    def as_dict(self) -> dict[str, Any]:
        """Return the row as JSON values."""
        figures = {"objects": self.count, "mean_area_px": self.mean_area, "quality": self.quality}
        fault = {"error": self.text} if self.state == FAILED else {}
        return {"file": str(self.image), "mask": str(self.mask), "state": self.state, **figures, **fault}
