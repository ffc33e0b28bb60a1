"""The command line `napari-unet`: one file a command, each with `add` (its options) and `run`.

Exit codes: 0 done, 1 failed with one plain line on stderr, 2 wrong usage. Never a traceback for bad input.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import napari_unet
from napari_unet.cli import demo, doctor, evaluate, exchange, fine_tune, info, models, segment, train
from napari_unet.errors import UnetError

COMMANDS = (segment, fine_tune, train, evaluate, models, info, exchange, demo, doctor)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = build_parser()
    given = parser.parse_args(arguments)
    try:
        return int(given.run(given))
    except UnetError as error:
        print(f"napari-unet: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of our output has gone, as in `napari-unet models | head -1`
        sys.stderr.close()
        return 1
    except (MemoryError, OSError, RuntimeError) as error:  # not foreseen, but no reason for a traceback
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        print(f"napari-unet: {type(error).__name__}: {first_line}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("napari-unet: stopped", file=sys.stderr)
        return 130


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(prog="napari-unet", description=napari_unet.__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=f"%(prog)s {napari_unet.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return parser
