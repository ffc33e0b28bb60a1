"""Two names of one file are known as such, however they are written."""

from __future__ import annotations

import os
import unicodedata

import pytest

from napari_unet.errors import UnetError
from napari_unet.files.atomic import atomic_path
from napari_unet.files.same_file import refuse_overwriting, resolved, same_file


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(b"pixels")
    return path


def names_of(image):
    """Return other names of a file: each would have been written through to it."""
    folder = image.parent
    (folder / "there").mkdir()
    (folder / "hard.tif").hardlink_to(image)
    (folder / "soft.tif").symlink_to("a.tif")
    (folder / "twice.tif").symlink_to("soft.tif")
    (folder / "lost.tif").symlink_to("new/../a.tif")
    (folder / "other").symlink_to(folder / "there")
    return [
        folder / "a.tif",
        folder / "new" / ".." / "a.tif",
        folder / "new" / "newer" / ".." / ".." / "a.tif",
        folder / "there" / ".." / "a.tif",
        folder / "other" / ".." / "a.tif",
        folder / "hard.tif",
        folder / "soft.tif",
        folder / "twice.tif",
        folder / "lost.tif",
        folder / "new" / ".." / "soft.tif",
    ]


def test_every_name_of_a_file_is_the_file(image, monkeypatch):
    for name in names_of(image):
        assert same_file(image, name), name
        with pytest.raises(UnetError, match="is one of the images: give another --output"):
            refuse_overwriting([(image, "one of the images")], [(name, "--output")])
    monkeypatch.chdir(image.parent)
    assert same_file("a.tif", image)
    assert same_file("sub/../a.tif", image)


def test_other_files_are_other_files(image, tmp_path):
    (tmp_path / "b.tif").write_bytes(b"pixels")
    (tmp_path / "A.TIF").write_bytes(b"others")
    for name in ("b.tif", "c.tif", "new/a.tif"):
        assert not same_file(image, tmp_path / name)
    if len(list(tmp_path.iterdir())) == 3:  # this system tells a.tif from A.TIF, and both are there
        assert not same_file(image, tmp_path / "A.TIF")


def test_names_that_some_systems_do_not_tell_apart_are_one(tmp_path):
    assert same_file(tmp_path / "zelle.tif", tmp_path / "Zelle.TIF")
    decomposed = unicodedata.normalize("NFD", "Zélle.tif")
    assert same_file(tmp_path / "Zélle.tif", tmp_path / decomposed)
    other = tmp_path / "x" / ".." / "M.tif"
    with pytest.raises(UnetError, match="--probabilities and --output must be different"):
        refuse_overwriting([], [(tmp_path / "m.tif", "--output"), (None, "--x"), (other, "--probabilities")])


def test_the_guard_resolves_as_the_writer_does(image):
    for name in names_of(image):
        target = resolved(name)
        with atomic_path(name) as temporary:
            assert temporary.parent == target.parent
            temporary.write_bytes(b"new")
        assert target.read_bytes() == b"new"


def test_links_in_a_circle_and_odd_names_are_sentences_or_no_file(tmp_path):
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    assert not same_file(tmp_path / "one", tmp_path / "a.tif")
    with pytest.raises(UnetError):
        same_file("a\0.tif", tmp_path)
    assert not same_file(tmp_path / ("n" * 300), tmp_path / "a")


@pytest.mark.skipif(os.name == "nt", reason="other paths there")
def test_a_long_sentence_keeps_its_remedy():
    error = UnetError("x" * 5000 + ": give another name\nline\x1b[31m")
    assert len(str(error)) <= 1200
    assert str(error).endswith(r": give another name\nline\x1b[31m")
