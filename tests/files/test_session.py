"""Sessions: what was saved is read back, and one damaged file does not take the rest with it."""

import psutil
import pytest

from napari_unet.errors import UnetError
from napari_unet.files.session import MAX_KEPT_SESSIONS, Session, former_sessions
from tests.files.sessions import write

ABOUT = {"name": "strokes"}
TWO = {"a": ABOUT, "b": ABOUT}


def test_layers_and_settings_come_back(session):
    write(session, TWO, {"seconds": 7})
    back = session.read()
    assert [one.arrays["values"].max() for one in back.layers] == [1, 2]
    assert (back.settings, back.lost) == ({"seconds": 7}, [])
    session.write([], {"b": ABOUT}, {})
    assert [one.key for one in session.read().layers] == ["b"]


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 cut off", None])
def test_a_damaged_layer_is_named_and_the_others_come_back(session, damage):
    write(session, TWO)
    file = session.folder / "a.npz"
    whole = file.read_bytes()
    flipped = bytes(255 - byte if 60 < n < 90 else byte for n, byte in enumerate(whole))
    file.write_bytes(flipped if damage is None else damage)
    back = session.read()
    assert [one.key for one in back.layers] == ["b"]
    assert back.lost == ["strokes"]
    (session.folder / "b.npz").unlink()
    with pytest.raises(UnetError, match="none of the saved annotations"):
        session.read()


@pytest.mark.parametrize("index", ["", "[]", '{"layers": 3, "settings": {}}', "null"])
def test_a_damaged_index_is_one_sentence(session, index):
    write(session, {"a": ABOUT})
    (session.folder / "session.json").write_text(index)
    with pytest.raises(UnetError, match="cannot be read"):
        session.read()


def test_a_session_that_keeps_nothing_is_gone_and_pushes_none_out(session, monkeypatch):
    write(session, {"a": ABOUT})
    session.write([], {}, {})
    assert not session.folder.exists()
    monkeypatch.setattr("napari_unet.files.session.Session.is_open", False)
    real = Session.new()
    write(real, {"a": ABOUT})
    for _ in range(MAX_KEPT_SESSIONS + 1):  # as earlier versions left them
        empty = Session.new()
        write(empty, {"a": ABOUT})
        (empty.folder / "a.npz").unlink()
    assert [one.folder for one in former_sessions()] == [real.folder]


def test_a_session_is_open_while_its_process_may_live(session, monkeypatch):
    write(session, {"a": ABOUT})
    assert session.is_open
    stamp, host, process = session.folder.name.rsplit("-", 3)[0], "0badcafe", session.folder.name.split("-")[-2:]
    unpainted_patch_share = Session(session.folder.with_name("-".join([stamp, host, *process])))
    assert unpainted_patch_share.is_open, "another machine with the same home writes it"
    gone = Session(session.folder.with_name("-".join([*session.folder.name.split("-")[:-1], "1"])))
    assert not gone.is_open
    born = psutil.Process().create_time()
    monkeypatch.setattr(psutil.Process, "create_time", lambda _: born + 1.5)
    assert session.is_open, "the clock was set, the process is the same"
    monkeypatch.setattr(psutil.Process, "create_time", lambda _: (_ for _ in ()).throw(psutil.AccessDenied()))
    assert session.is_open
