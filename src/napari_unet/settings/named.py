"""Settings that a sentence names: `truth` is --truth on the command line and ‘Labels are’ in a panel.

An error or a remark names a setting as Python does, between backticks; each front end puts its own name there, out
of the declaration.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from napari_unet.settings.base import Settings, options
from napari_unet.settings.option import Option

NAMED = re.compile(r"`(\w+)`")


def with_names(sentence: str, groups: Iterable[type[Settings]], name_of: Callable[[Option], str]) -> str:
    """Return a sentence with each setting that it names under the name that a front end gives it."""
    known = {name: option for group in groups for name, option in options(group).items()}
    return NAMED.sub(lambda found: name_of(known[found[1]]) if found[1] in known else found[0], sentence)
