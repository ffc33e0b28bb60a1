"""The command line among odd files: no input is overwritten, nothing hangs, nothing escapes to the terminal."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_unet.cli import main
from napari_unet.files.images import read_labels
from napari_unet.files.tiff import write_labels
from napari_unet.segmentation import segment_steps
from tests.cli.test_cli import fails, image, model  # noqa: F401 - fixtures

ESCAPE = "\x1b[2J\x1b[31mred\nsecond line\u202e\u2028"


def plain(text):
    """Whether a text of several lines holds nothing that moves the cursor."""
    return all(sign.isprintable() for line in text.split("\n") for sign in line if sign != "\N{NO-BREAK SPACE}")


@pytest.mark.parametrize("option", ["--output", "--probabilities"])
def test_no_name_of_an_image_lets_it_be_overwritten(model, image, tmp_path, capsys, option):  # noqa: F811
    before = image.read_bytes()
    (tmp_path / "hard.tif").hardlink_to(image)
    (tmp_path / "soft.tif").symlink_to("new/../cells.tif")
    for name in ("cells.tif", "sub/../cells.tif", "a/b/../../cells.tif", "hard.tif", "soft.tif", "x/../soft.tif"):
        written = {"--output": tmp_path / "mask.tif", option: tmp_path / name}
        said = fails(
            capsys, "segment", image, "--model", model, *(part for pair in written.items() for part in pair)
        )
        assert "is one of the images: give another" in said
        assert image.read_bytes() == before
        assert not (tmp_path / "sub").exists()
    odd = tmp_path / "model.tif"
    odd.write_bytes(Path(model).read_bytes())
    assert "is the model" in fails(
        capsys, "segment", image, "--model", odd, "--output", tmp_path / "a" / ".." / odd.name
    )


def test_no_command_overwrites_what_it_reads(model, image, tmp_path, capsys):  # noqa: F811
    before = Path(model).read_bytes()
    through = tmp_path / "new" / ".." / Path(model).name
    painted = tmp_path / "painted.safetensors"
    painted.write_bytes(image.read_bytes())
    teach = ("fine-tune", image, painted, "--output")
    assert "is the model to start from" in fails(capsys, *teach, through, "--model", model)
    assert "is one of the images or annotations" in fails(capsys, *teach, painted, "--model", model)
    train = ("train", tmp_path, "--output")
    assert "is the model to start from" in fails(capsys, *train, through, "--start", model)
    checkpoint = tmp_path / ".mine-checkpoint.safetensors"
    checkpoint.write_bytes(before)
    assert "is the model to start" in fails(capsys, *train, tmp_path / "mine.safetensors", "--start", checkpoint)
    assert "is the package" in fails(capsys, "import", model, "--output", through)
    package = tmp_path / "model.zip"
    package.write_bytes(before)
    assert "is the model" in fails(capsys, "export", package, "--output", tmp_path / "new" / ".." / "model.zip")
    assert Path(model).read_bytes() == checkpoint.read_bytes() == package.read_bytes() == before


def test_a_report_replaces_no_image(model, image, tmp_path, capsys):  # noqa: F811
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "montage.png").write_bytes(b"raw data")
    new = tmp_path / "new.safetensors"
    said = fails(capsys, "train", tmp_path, "--output", new, "--report", tmp_path / "images")
    assert "montage.png is one of the images or labels" in said
    assert (tmp_path / "images" / "montage.png").read_bytes() == b"raw data"


def test_tiffs_by_other_names_and_numpy_are_read_and_a_folder_names_the_rest(model, image, tmp_path, capsys):  # noqa: F811
    folder = tmp_path / "many"
    folder.mkdir()
    pixels = tifffile.imread(image)
    for name in ("a.tif", "b.btf", "c.tf8", "d.lsm", "e.svs", "f.ome.btf", "g.stk", "h.dat", "i.png"):
        tifffile.imwrite(folder / name, pixels, bigtiff="btf" in name, metadata=None)
    np.save(folder / "j.npy", pixels)
    (folder / "notes.txt").write_text("no image")
    (folder / "k.h5").write_bytes(b"\x89HDF\r\n")
    os.mkfifo(folder / "pipe.tif")
    out = tmp_path / "out"
    for _ in range(2):
        assert main(["segment", str(folder), "--model", model, "--output", str(out), "--zoom", "1"]) == 0
        assert "left out, no images that can be read here: k.h5, notes.txt" in capsys.readouterr().err
    made = {path.name: read_labels(path).array.max() for path in out.iterdir()}
    assert made == {f"{name}_labels.tif": 2 for name in ("a", "b", "c", "d", "e", "f", "g", "h", "i", "j")}
    assert (
        main(["segment", str(out / ".." / "many"), "--model", model, "--output", str(folder), "--zoom", "1"]) == 0
    )
    capsys.readouterr()
    assert main(["segment", str(folder), "--model", model, "--output", str(folder), "--zoom", "1"]) == 0
    assert "masks of a former run: a_labels.tif, b_labels.tif" in capsys.readouterr().err


def test_pipes_and_devices_are_a_sentence_and_never_wait(model, image, tmp_path, capsys):  # noqa: F811
    out = tmp_path / "out.tif"
    for name in ("pipe.tif", "pipe.png", "pipe.npy", "pipe.safetensors", "pipe.zip", "pipe"):
        pipe = tmp_path / name
        os.mkfifo(pipe)
        assert "pipe" in fails(capsys, "segment", pipe, "--model", model, "--output", out)
        assert "pipe" in fails(capsys, "info", pipe)
        assert "pipe" in fails(capsys, "import", pipe, "--output", tmp_path / "m.safetensors")
        assert "pipe" in fails(capsys, "evaluate", pipe, pipe)
        fails(capsys, "segment", image, "--model", tmp_path / name, "--output", out)
        fails(capsys, "train", tmp_path, "--output", tmp_path / "t.safetensors", "--encoder", pipe)
    empty = tmp_path / "empty.tif"  # as files of the system seem to be, which may be waited for
    empty.touch()
    for command in (["segment", empty, "--model", model, "--output", out], ["info", empty]):
        assert "is empty (0 bytes)" in fails(capsys, *command)
    assert "is a device" in fails(capsys, "segment", "/dev/zero", "--model", model, "--output", out)
    assert "is a pipe or a device" in fails(
        capsys, "segment", image, "--model", model, "--output", tmp_path / "pipe.tif"
    )


def test_nothing_in_names_and_files_moves_the_cursor(bright_model, tmp_path, capsys):
    spec = replace(
        bright_model.spec, name=ESCAPE, description=ESCAPE, licence=ESCAPE, classes=("background", ESCAPE)
    )
    odd = tmp_path / f"a{ESCAPE}.safetensors"
    replace(bright_model, spec=spec).save(odd)
    pixels = np.zeros((40, 50), np.uint8)
    pixels[4:20, 4:20] = 200
    picture = tmp_path / f"b{ESCAPE}.tif"
    tifffile.imwrite(picture, pixels)
    semantic = tmp_path / "c.safetensors"
    replace(bright_model, spec=replace(spec, levels=())).save(semantic)
    mask = tmp_path / f"m{ESCAPE}.tif"
    broken = tmp_path / f"n{ESCAPE}.tif"
    broken.write_bytes(b"II*\0")
    write_labels(
        mask, pixels, axes="YX", pixel_size=None, provenance={ESCAPE: {ESCAPE: [ESCAPE]}, "model": ESCAPE}
    )
    new = tmp_path / f"new{ESCAPE}.tif"
    commands = [
        ("segment", picture, "--model", odd, "--output", new),
        ("segment", picture, broken, "--model", semantic, "--output", tmp_path / f"out{ESCAPE}"),
        ("segment", picture, "--model", ESCAPE, "--output", new),
        ("segment", picture, "--axes", ESCAPE, "--model", odd, "--output", new),
        *(("info", path) for path in (mask, odd, picture, broken, "nuclei")),
        ("info", mask, "--json"),
        ("info", odd, "--json"),
        *(("evaluate", mask, mask, *option) for option in ([], ["--csv"], ["--json"])),
        ("evaluate", broken, mask),
        ("import", picture, "--output", tmp_path / "i.safetensors"),
        ("train", tmp_path / ESCAPE, "--output", tmp_path / "t.safetensors"),
        ("models", ESCAPE),
        ("models",),
    ]
    for command in commands:
        try:
            main([str(part) for part in command])
        except SystemExit:
            assert command[-1] == ESCAPE
        said = capsys.readouterr()
        assert plain(said.out), command
        assert plain(said.err), command
        assert said.out or said.err


def test_one_complaint_is_one_line_whatever_the_file_holds(tmp_path, capsys):
    broken = tmp_path / f"n{ESCAPE}.tif"
    broken.write_bytes(b"II*\0")
    said = fails(capsys, "info", broken)
    assert r"\x1b[2J\x1b[31mred\nsecond line\u202e\u2028" in said


def deep(levels):
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    "text", [deep(40), deep(900), deep(100_000), "{" * 100_000, json.dumps("x" * 2**23), "[1e999, NaN]", "{}"]
)
@pytest.mark.parametrize("kind", ["imagej", "ome"])
def test_odd_provenance_stops_no_folder(model, image, tmp_path, text, kind):  # noqa: F811
    folder = tmp_path / "folder"
    folder.mkdir()
    image.rename(folder / "cells.tif")
    metadata = {"Info": f"napari_unet: {text}"} if kind == "imagej" else {"MapAnnotation": {"napari_unet": text}}
    pixels = np.zeros((40, 50), np.uint8)
    pixels[4:20, 4:20] = 200
    tifffile.imwrite(folder / "odd.tif", pixels, **{kind: True}, metadata=metadata)
    out = tmp_path / "out"
    assert main(["segment", str(folder), "--model", model, "--output", str(out)]) == 0
    assert (out / "cells_labels.tif").exists()
    assert main(["info", str(folder / "odd.tif")]) == 0


@contextmanager
def as_nobody():
    """Be somebody without rights for a while, where the tests are run by root, who has all."""
    if os.geteuid():
        yield
        return
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.fixture
def public():
    """Yield a folder that anybody may use."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)
        for path in Path(folder).iterdir():
            path.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="no such permissions there")
@pytest.mark.parametrize("mode", [0o000, 0o100, 0o400, 0o500])
def test_a_folder_without_permission_is_a_sentence(public, capsys, mode):
    pixels = np.zeros((40, 50), np.uint8)
    closed, picture, mine = public / "closed", public / "cells.tif", public / "mine"
    for folder in (closed, mine):
        folder.mkdir()
    tifffile.imwrite(picture, pixels)
    tifffile.imwrite(closed / "cells.tif", pixels)
    closed.chmod(mode | mode >> 6)
    mine.chmod(0o777)
    main(["models"])  # load what these commands need while anything may be read
    capsys.readouterr()
    with as_nobody():
        commands = [
            ("segment", picture, "--output", closed / "m.tif"),
            ("segment", picture, "--output", closed / "new" / "folder"),
            ("segment", picture, "--output", mine / "m.tif", "--probabilities", closed / "p.tif"),
            ("import", picture, "--output", closed / "m.safetensors"),
        ]
        if mode != 0o500:
            commands += [
                ("segment", closed, "--output", mine),
                ("evaluate", closed, closed),
            ]
        for command in commands:
            said = fails(capsys, *command)
            assert "ermission" in said or "not a BioImage" in said or "does not exist" in said, said
            assert "Error" not in said, said
            assert "Errno" not in said, said


AS_A_PROGRAM = """
import logging, os, signal, sys, warnings
from napari_unet.cli import main
sys.argv = ["napari-unet", "models"]
assert main() == 0
logging.getLogger("a.library").error("a.lif\\x1b[2J")
warnings.warn("b.tif\\x1b[2J")
try:
    os.kill(os.getpid(), signal.SIGTERM)
except KeyboardInterrupt:
    print("as Ctrl-C")
"""


@pytest.mark.skipif(os.name == "nt", reason="no such signal there")
def test_sigterm_stops_as_ctrl_c_does_and_libraries_say_nothing():
    done = subprocess.run([sys.executable, "-c", AS_A_PROGRAM], capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout.splitlines()[-1]) == ("", "as Ctrl-C")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device there")
def test_output_that_cannot_be_written_is_a_sentence(capsys, monkeypatch):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdout", full)
        assert "cannot write the output: the disk is full" in fails(capsys, "models")
        with contextlib.suppress(OSError):
            full.close()


@pytest.mark.parametrize("error", [RecursionError("deep"), OSError("odd"), KeyError("x"), ZeroDivisionError("y")])
def test_what_nobody_foresaw_of_one_image_stops_no_other(model, image, tmp_path, capsys, monkeypatch, error):  # noqa: F811
    steps = segment_steps
    (tmp_path / "a.tif").write_bytes(image.read_bytes())

    def fail_at_first(*arguments, **options):
        monkeypatch.setattr("napari_unet.batch.segment_steps", steps)
        raise error

    monkeypatch.setattr("napari_unet.batch.segment_steps", fail_at_first)
    out = tmp_path / "out"
    said = fails(capsys, "segment", tmp_path / "a.tif", image, "--model", model, "--output", out)
    assert f"a.tif: {type(error).__name__}" in said
    assert [path.name for path in out.iterdir()] == ["cells_labels.tif"]
