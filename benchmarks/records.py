"""Figures of long measurements in a JSON file, so that one that was stopped goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Records:
    """What was measured so far, by a name that says with what; in memory alone where no path is given."""

    def __init__(self, path: Path | None) -> None:
        """Read what a former run measured."""
        self._path = path
        self._known: dict[str, Any] = json.loads(path.read_text()) if path and path.exists() else {}

    def get(self, name: str, measure: Callable[[], Any]) -> Any:
        """Return a figure, or a list or dict of figures: as it was noted, else as `measure` returns it now."""
        if name not in self._known:
            self._known[name] = measure()
            if self._path:
                new = self._path.with_suffix(".new")
                new.write_text(json.dumps(self._known, indent=1))
                new.replace(self._path)  # a kill leaves the former file or this one
        return self._known[name]
