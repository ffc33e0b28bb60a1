"""A file is written whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from napari_unet.errors import UnetError
from napari_unet.files.atomic import atomic_path, require_writable
from napari_unet.files.processes import process_mark


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


def left_behind(folder, mark):
    path = folder / f".napari-unet-{mark}-0123456789ab.tmp"
    path.write_bytes(b"half")
    return path


def killed_mark():
    """Return the mark of a process that wrote and is gone."""
    code = "from napari_unet.files.processes import process_mark; print(process_mark())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_what_a_killed_writer_left_is_removed_by_the_next_one(tmp_path):
    code = (
        "import os, sys, signal\nfrom napari_unet.files.atomic import atomic_path, temporary_folder\n"
        "with atomic_path(sys.argv[1]) as temporary, temporary_folder(temporary) as folder:\n"
        "    temporary.write_bytes(b'half'); (folder / 'part').write_bytes(b'half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    for _ in range(2):  # also where this process has written before
        subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], check=False)
        assert len(list(tmp_path.glob(".napari-unet-*.tmp"))) == 2
        with atomic_path(tmp_path / "b") as temporary:
            temporary.write_bytes(b"whole")
        assert list(tmp_path.iterdir()) == [tmp_path / "b"]


def test_what_others_write_just_now_stays(tmp_path):
    mine = left_behind(tmp_path, process_mark())
    host, pid, start = process_mark().split("-")
    elsewhere = left_behind(tmp_path, f"0badcafe-{pid}-{start}")
    unknown = tmp_path / ".napari-unet-0123456789ab.tmp"  # as earlier versions named them
    unknown.write_bytes(b"half")
    reused = left_behind(tmp_path, f"{host}-{pid}-12345")
    with atomic_path(tmp_path / "b") as temporary:
        temporary.write_bytes(b"whole")
        other = left_behind(tmp_path, killed_mark())
    assert not reused.exists(), "the number is of another process by now"
    assert all(path.exists() for path in (mine, elsewhere, unknown, other))
    mine.unlink()
    with atomic_path(tmp_path / "b") as temporary:
        temporary.write_bytes(b"whole")
    assert not other.exists()


def test_a_private_file_is_its_owners_alone(tmp_path):
    with atomic_path(tmp_path / "a", private=True) as temporary:
        assert temporary.stat().st_mode & 0o077 == 0
        temporary.write_bytes(b"paint")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_full_memory_is_a_sentence(tmp_path):
    with pytest.raises(UnetError, match=r"cannot write .*: memory is full"), atomic_path(tmp_path / "a"):
        raise MemoryError
    assert not list(tmp_path.iterdir())


def test_a_pipe_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnetError, match="it is a pipe or a device"), atomic_path(tmp_path / "pipe"):
        pytest.fail("the block must not start")
