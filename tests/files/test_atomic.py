"""A file is written whole or not at all."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from napari_unet.errors import UnetError
from napari_unet.files.atomic import atomic_path, require_writable


def test_the_file_appears_under_its_name_when_the_block_ends(tmp_path):
    target = tmp_path / "model.safetensors"
    with atomic_path(target) as temporary:
        temporary.write_bytes(b"new")
        assert temporary.parent == tmp_path
        assert not target.exists()
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


def test_an_error_in_the_block_leaves_the_former_file_and_no_other(tmp_path):
    target = tmp_path / "a"
    target.write_bytes(b"former")

    def write_half_and_stop():
        with atomic_path(target) as temporary:
            temporary.write_bytes(b"half")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        write_half_and_stop()
    assert target.read_bytes() == b"former"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("links", [True, False])
def test_a_name_that_is_taken_meanwhile_stays_whose_it_is(tmp_path, monkeypatch, links):
    if not links:

        def refuse(self, target):
            raise OSError(errno.EPERM, "no hard links here")

        monkeypatch.setattr(Path, "hardlink_to", refuse)
    target = tmp_path / "a"

    def write(first):
        with atomic_path(target, replacing=False) as temporary:
            temporary.write_bytes(b"mine")
            if not first:
                target.write_bytes(b"theirs")

    with pytest.raises(UnetError, match="there is one of this name already"):
        write(first=False)
    assert target.read_bytes() == b"theirs"
    target.unlink()
    write(first=True)
    assert target.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [target]


def test_through_a_link_the_file_behind_it_is_replaced(tmp_path):
    (tmp_path / "real").write_bytes(b"former")
    link = tmp_path / "link"
    try:
        link.symlink_to(tmp_path / "real")
    except OSError:
        pytest.skip("no symbolic links here")
    with atomic_path(link) as temporary:
        temporary.write_bytes(b"new")
    assert link.is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_place_is_tried_without_a_trace(tmp_path):
    former = tmp_path / "a"
    former.write_bytes(b"former")
    require_writable(former)
    require_writable(tmp_path / "b")
    assert list(tmp_path.iterdir()) == [former]
    assert former.read_bytes() == b"former"


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no folder here that refuses everybody")
def test_a_folder_that_takes_no_files_is_a_sentence():
    with pytest.raises(UnetError, match="cannot write /proc/self/a: the system makes no files in /proc/self"):
        require_writable("/proc/self/a")


def test_a_place_that_cannot_be_written_is_refused_before_any_work(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    places = {
        tmp_path / "none" / "a.tif": "none does not exist: create it first",
        tmp_path / "file" / "a.tif": "file is not a folder: choose another place",
        tmp_path: "it is a folder: add a file name",
    }
    for place, sentence in places.items():
        with pytest.raises(UnetError, match=sentence):
            require_writable(place)
        with pytest.raises(UnetError, match=sentence), atomic_path(place):
            pytest.fail("the block must not start")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (errno.ENOSPC, "the disk is full: free some space"),
        (errno.EACCES, "no permission to write in"),
        (errno.EROFS, "is read-only: choose another folder"),
        (errno.EIO, "the system says 'told'"),
    ],
)
def test_what_the_system_refuses_is_one_sentence(tmp_path, code, sentence):
    with pytest.raises(UnetError, match=sentence) as refused, atomic_path(tmp_path / "a.tif"):
        raise OSError(code, "told")
    assert "a.tif" in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_a_rename_that_fails_leaves_the_former_file(tmp_path, monkeypatch):
    target = tmp_path / "a"
    target.write_bytes(b"former")

    def refuse(self, other):
        raise PermissionError(errno.EACCES, "in use")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(UnetError, match="no permission"), atomic_path(target) as temporary:
        temporary.write_bytes(b"new")
    assert target.read_bytes() == b"former"
    assert list(tmp_path.iterdir()) == [target]


def test_what_cannot_even_be_removed_does_not_hide_the_first_error(tmp_path, monkeypatch):
    def refuse(self, missing_ok=False):
        raise PermissionError(errno.EACCES, "in use")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(UnetError, match="disk is full"), atomic_path(tmp_path / "a"):
        raise OSError(errno.ENOSPC, "full")


def test_a_long_name_is_no_trouble(tmp_path):
    target = tmp_path / ("n" * 250 + ".tif")
    with atomic_path(target) as temporary:
        temporary.write_bytes(b"new")
    assert target.read_bytes() == b"new"
