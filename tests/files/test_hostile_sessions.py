"""Sessions that somebody tampered with: no foreign file is read, and the paint comes back all the same."""

from __future__ import annotations

import io
import json
import os
import zipfile

import numpy as np
import pytest

from napari_unet.errors import UnetError
from napari_unet.files.saved_layer import like
from napari_unet.files.session import former_sessions
from tests.files.sessions import SHAPE, write

ABOUT = {
    "name": "strokes",
    "copy": False,
    "entry": {"role": "annotation", "axes": "YX", "origin": [3, 4], "provenance": {"settings": {"zoom": 1.0}}},
    "place": {
        "scale": [0.5, 0.5],
        "translate": [1.0, 2.0],
        "rotate": [[1.0, 0.0], [0.0, 1.0]],
        "shear": [0.0],
        "affine": np.eye(3).tolist(),
    },
    "units": ["micrometer", "micrometer"],
    "axis_labels": ["y", "x"],
    "meanings": [[1, "background"], [2, "object"]],
    "image": "cells",
    "path": "/somewhere/cells.tif",
    "image_place": {"scale": [0.5, 0.5], "translate": [0.0, 0.0], "units": ["micrometer", "micrometer"]},
}
DEEP = {"a": None}
for _ in range(300):
    DEEP = {"a": DEEP}
ODD = [
    None,
    7,
    -1,
    2.5,
    True,
    "x",
    "\x1b[2J\n",
    "9**9**9",
    [],
    [1],
    [[1, 2], [3]],
    {},
    {"a": 1},
    float("nan"),
    1e300,
    "x" * 5000,
]
"""What a value may be instead of what it should be."""


def tamper(session, change):
    """Change the index of a session."""
    index = json.loads((session.folder / "session.json").read_text())
    change(index)
    (session.folder / "session.json").write_text(json.dumps(index))


def test_what_is_right_comes_back_as_it_was(session):
    write(session, {"a": ABOUT})
    [layer] = session.read().layers
    assert {**layer.about, "meanings": [list(pair) for pair in layer.about["meanings"]]} == ABOUT


@pytest.mark.parametrize(
    "part", [*ABOUT, *(f"entry/{name}" for name in ABOUT["entry"]), *(f"place/{name}" for name in ABOUT["place"])]
)
def test_a_wrong_value_costs_itself_alone(session, part):
    *outer, name = part.split("/")
    for odd in ODD:
        about = json.loads(json.dumps(ABOUT))
        (about[outer[0]] if outer else about)[name] = odd
        write(session, {"a": about, "b": ABOUT})
        layers = {layer.key: layer for layer in session.read().layers}
        assert layers.keys() == {"a", "b"}
        assert layers["b"].about["name"] == "strokes"
        told = layers["a"].about
        assert isinstance(told["name"], str)
        assert len(told["units"]) == len(told["axis_labels"]) == 2
        for numbers in told["place"].values():
            assert np.isfinite(np.asarray(numbers, float)).all()


def test_keys_that_are_paths_read_nothing(session, tmp_path):
    secret = tmp_path / "secret.npz"
    np.savez(secret, values=np.ones(SHAPE, np.uint8))
    write(session, {"a": ABOUT})
    (session.folder / "link.npz").symlink_to(secret)
    for key in ("../../../secret", str(secret.with_suffix("")), "link", "", ".", "a/../a", "a\0"):
        tamper(session, lambda index, key=key: index["layers"].__setitem__(key, {**ABOUT, "name": f"of {key}"}))
    back = session.read()
    assert [layer.key for layer in back.layers] == ["a"]
    assert len(back.lost) == 7


@pytest.mark.parametrize("part", ["a.npz", "session.json"])
def test_a_pipe_does_not_hang(session, part):
    write(session, {"a": ABOUT, "b": ABOUT})
    (session.folder / part).unlink()
    os.mkfifo(session.folder / part)
    if part == "a.npz":
        assert [layer.key for layer in session.read().layers] == ["b"]
    else:
        assert former_sessions() == []
        with pytest.raises(UnetError, match="it is a pipe"):
            session.read()


def odd_arrays():
    """Yield the bytes of .npz files that claim too much, or hold something else."""
    header = b"\x93NUMPY\x01\x00v\x00{'descr': '<u2', 'fortran_order': False, 'shape': (200000, 200000), }"
    for descr in (header.ljust(127) + b"\n", b"\x93NUMPY\x09\x00", b"", b"\x93NUMPY\x01\x00\xff\xff"):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as package:
            package.writestr("values.npy", descr)
        yield file.getvalue()
    for array in (
        np.array([{}], object),
        np.zeros(SHAPE),
        np.zeros((0, 4), int),
        np.zeros(5, int),
        np.zeros(SHAPE, "U9"),
    ):
        file = io.BytesIO()
        np.savez(file, values=array)
        yield file.getvalue()
    file = io.BytesIO()
    np.savez(file, **{f"values{n}": np.zeros(SHAPE, int) for n in range(99)})
    yield file.getvalue()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package, package.open("values.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, {"descr": "<u2", "fortran_order": False, "shape": (2**28,)})
        member.write(bytes(2**20))
    yield file.getvalue()


def test_arrays_that_claim_more_than_they_hold_cost_no_memory_and_no_other_layer(session):
    for number, content in enumerate(odd_arrays()):
        write(session, {"a": ABOUT, "b": ABOUT})
        (session.folder / "a.npz").write_bytes(content)
        back = session.read()
        assert ([layer.key for layer in back.layers], back.lost) == (["b"], ["strokes"]), number


@pytest.mark.parametrize(
    "index", ["[" * 10**5, '{"layers": {"a": {}}}', "[1]", json.dumps({"layers": {}, "settings": DEEP})]
)
def test_an_index_that_cannot_be_used_is_one_sentence(session, index):
    write(session, {"a": ABOUT})
    (session.folder / "session.json").write_text(index)
    with pytest.raises(UnetError):
        session.read()


def test_nobody_else_may_look(session):
    os.umask(old := os.umask(0))
    os.umask(0)
    try:
        session.folder.parent.mkdir(parents=True)  # as an earlier version made it
        write(session, {"a": ABOUT})
        session.close()
    finally:
        os.umask(old)
    assert session.folder.parent.stat().st_mode & 0o777 == 0o700
    assert session.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in session.folder.iterdir()} == {0o600}


def test_names_of_folders_that_are_none_of_ours_are_passed_over(session, monkeypatch):
    write(session, {"a": ABOUT})
    for name in ("x", "-", "a-b-c-d", f"{session.folder.name}9999999999999999999", "1-2-3-4-5"):
        odd = session.folder.with_name(name)
        odd.mkdir()
        (odd / "session.json").write_text("{}")
    (session.folder.parent / "file").write_text("no folder")
    former_sessions()
    assert session.folder.exists()


def test_settings_that_a_panel_cannot_use_are_left_out():
    usual = {"seconds": 60, "model": "", "new": False, "layers": {}, "kind": "objects"}
    right = {
        "seconds": 77.0,
        "model": "nuclei",
        "new": True,
        "layers": {"a": [True, "strokes"]},
        "kind": "classes",
    }
    assert like(right, usual) == right
    for odd in ODD:
        for name, value in usual.items():
            chosen = like({**right, name: odd}, usual)
            if name in chosen:
                assert type(chosen[name]) in {type(value), *((int, float) if name == "seconds" else ())}
    assert like(None, usual) == like([], usual) == like({"seconds": 10**30, "else": 1}, usual) == {}
