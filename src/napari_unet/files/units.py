"""Units of length and time as microscopes' files name them: OME's, NGFF's and ImageJ's, as words or symbols.

Case counts only where two symbols differ in nothing else (mm, Mm): programs write the others in either case.
"""

from __future__ import annotations

_PREFIXES = {
    "": ("", 0),
    "pico": ("p", -12),
    "nano": ("n", -9),
    "micro": ("µ", -6),
    "milli": ("m", -3),
    "centi": ("c", -2),
    "deci": ("d", -1),
    "yocto": ("y", -24),
    "zepto": ("z", -21),
    "atto": ("a", -18),
    "femto": ("f", -15),
    "deca": ("da", 1),
    "hecto": ("h", 2),
    "kilo": ("k", 3),
    "mega": ("M", 6),
    "giga": ("G", 9),
    "tera": ("T", 12),
    "peta": ("P", 15),
    "exa": ("E", 18),
    "zetta": ("Z", 21),
    "yotta": ("Y", 24),
}
"""SI's prefixes with symbol and power of ten; those of which case alone decides after what they are taken for."""
UM_PER_INCH, UM_PER_CM = 25400.0, 1e4
_FOOT = 12 * UM_PER_INCH


def _with_prefixes(symbol: str, words: tuple[str, ...], power: int) -> dict[str, float]:
    """Return a unit with all prefixes, as symbol and as words; 10^`power` of what is wanted are one of it."""
    units: dict[str, float] = {}
    for prefix, (short, own) in _PREFIXES.items():
        factor = float(f"1e{own + power}")
        units |= dict.fromkeys((short + symbol, *(prefix + word for word in words)), factor)
    units[f"u{symbol}"] = float(f"1e{power - 6}")
    return units


_LENGTHS = {
    **_with_prefixes("m", ("meter", "metre", "meters", "metres"), 6),
    **dict.fromkeys(("micron", "microns"), 1.0),
    **dict.fromkeys(("å", "angstrom", "angstroms", "a"), 1e-4),
    **dict.fromkeys(("in", "inch", "inches"), UM_PER_INCH),
    **dict.fromkeys(("ft", "foot", "feet"), _FOOT),
    **dict.fromkeys(("yd", "yard", "yards"), 3 * _FOOT),
    **dict.fromkeys(("mi", "mile", "miles"), 5280 * _FOOT),
    **dict.fromkeys(("thou", "mil"), UM_PER_INCH / 1000),
    "li": UM_PER_INCH / 12,
    "pt": UM_PER_INCH / 72,
}
_TIMES = {
    **_with_prefixes("s", ("second", "seconds", "sec", "secs"), 0),
    **dict.fromkeys(("msec", "msecs"), 1e-3),
    **dict.fromkeys(("usec", "µsec"), 1e-6),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
}


def _whatever_case(units: dict[str, float]) -> dict[str, float]:
    folded: dict[str, float] = {}
    for name, factor in units.items():
        folded.setdefault(name.lower(), factor)
    return folded


_LENGTHS_FOLDED, _TIMES_FOLDED = _whatever_case(_LENGTHS), _whatever_case(_TIMES)


def um_per(unit: str | None) -> float | None:
    """Return how many um a unit is, None where it is none of length."""
    text = _plain(unit)
    return _LENGTHS.get(text, _LENGTHS_FOLDED.get(text.lower()))


def seconds_per(unit: str | None) -> float | None:
    """Return how many seconds a unit is, None where it is none of time."""
    text = _plain(unit)
    return _TIMES.get(text, _TIMES_FOLDED.get(text.lower()))


def number(value: object) -> float | None:
    """Return a number as files write it; None for what Python alone reads as one: 1_0, digits of other scripts."""
    text = str(value).strip()
    try:
        return float(text) if text.isascii() and "_" not in text else None
    except ValueError:
        return None


def _plain(unit: str | None) -> str:
    """Return a unit with the one micro sign of the tables: there are two, an escape, and UTF-8 read as Latin-1."""
    text = (unit or "").strip().strip('"')
    for micro in ("\\u00B5", "\\u00b5", "Âµ", "μ"):
        text = text.replace(micro, "µ")
    return text
