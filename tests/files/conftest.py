"""What tests of sessions share."""

import pytest

from napari_unet.files.session import Session


@pytest.fixture
def user_folder(tmp_path, monkeypatch):
    """Keep sessions in a folder of the test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


@pytest.fixture
def session(user_folder):
    return Session.new()
