"""The command line `napari-unet`: one file a command, each with `add_options` and `run`.

Exit codes: 0 done, 1 failed with one plain line on stderr, 2 wrong usage. Never a traceback for bad input.
"""

from __future__ import annotations

import argparse
import errno
import logging
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn, TextIO

from napari_unet._version import __version__
from napari_unet.cli.output import complain
from napari_unet.errors import UNFORESEEN, UnetError, first_line, printable
from napari_unet.files.file_errors import unreadable, unwritable

COMMANDS = {
    "segment": ("segment", "segment images and write label masks"),
    "rank": ("rank", "tell which images a model knows least"),
    "fine-tune": ("fine_tune", "teach a model with painted images"),
    "train": ("train", "train a model from labelled images"),
    "evaluate": ("evaluate", "compare predicted with true labels"),
    "measure": ("measure", "write a table of the objects in a mask: sizes, shapes, intensities"),
    "convert": ("convert", "write a mask for ImageJ, QuPath and others, and read corrected outlines back"),
    "reproduce": ("reproduce", "make a mask again and say whether it is identical"),
    "models": ("models", "list the models"),
    "info": ("info", "say what made a mask or a model"),
    "export": ("export_package", "write a model as a BioImage.IO package"),
    "import": ("import_package", "read a model that was exported as BioImage.IO package"),
    "demo": ("demo", "segment the bundled sample image"),
    "doctor": ("doctor", "check the installation and show the device"),
}
"""Each command's module and its help; only the chosen one is imported, as PyTorch takes seconds."""


DESCRIPTION = "Segment microscopy images with a U-Net, and teach it by painting."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    # a service, or a window without a console, may have no streams at all
    sys.stdout, sys.stderr = sys.stdout or nowhere(), sys.stderr or nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a name that a terminal cannot show is no reason to stop
            stream.reconfigure(errors="backslashreplace")
    try:
        return _run(_own_words() if arguments is None else arguments)
    except UnetError as error:
        complain(f"napari-unet: {error}")
        return 1
    except BrokenPipeError:  # the reader of our output has gone, as in `napari-unet models | head -1`
        sys.stderr.close()
        return 1
    except OSError as error:
        complain(f"napari-unet: {_why(error)}")
        return 1
    except UNFORESEEN as error:
        complain(f"napari-unet: {type(error).__name__}: {first_line(error)}")
        return 1
    except KeyboardInterrupt:
        complain("napari-unet: stopped")
        return 130


def _run(words: Sequence[str]) -> int:
    """Do what the words say; loading the command alone takes seconds, in which Ctrl-C may come too."""
    given = build_parser(next((word for word in words if not word.startswith("-")), "")).parse_args(words)
    code = int(given.run(given))
    sys.stdout.flush()  # a full disk is met here, and no traceback at the very end
    return code


def _why(error: OSError) -> object:
    """Return what went wrong with a file, or with the output: where its disk is full, no more is written there."""
    if error.filename:
        return unreadable(Path(error.filename), error)
    if error.errno != errno.ENOSPC:
        return first_line(error)
    sys.stdout = nowhere()
    return unwritable(Path("the output"), error)


def _own_words() -> list[str]:
    """Return the words of this process, after it was made to behave as a command.

    SIGTERM stops it as Ctrl-C does. What libraries log and warn of, which may quote files as they are, is for
    programmers and not shown; `python -W` shows the warnings.
    """
    logging.getLogger().addHandler(logging.NullHandler())
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    return sys.argv[1:]


class Parser(argparse.ArgumentParser):
    """A parser whose errors show the names of files as printable text."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments and end with exit code 2."""
        super().error(printable(message))


def nowhere() -> TextIO:
    """Return a stream that keeps nothing."""
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - no path, and open as long as we run


def build_parser(chosen: str) -> argparse.ArgumentParser:
    """Return the parser of all commands, with the options of the chosen one."""
    parser = Parser(prog="napari-unet", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, (module, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary)
        if name == chosen:
            import_module(f"napari_unet.cli.{module}").add_options(command)
    return parser
