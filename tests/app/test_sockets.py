"""What is listened on: addresses that workers share, and unix sockets that come and go."""

from __future__ import annotations

import grp
import os
import socket
import stat
from pathlib import Path

import pytest

from ulak.app.sockets import ListenError, Place, listen, remove


def at(path: Path, **more: int | str) -> Place:
    return Place("", 0, str(path), **more)  # type: ignore[arg-type]  # fields by their names


def test_a_unix_socket_is_one_for_all_workers(tmp_path: Path) -> None:
    one, other = listen(at(tmp_path / "s"), 2)
    assert one is other
    with one, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(tmp_path / "s"))
        one.settimeout(5)
        taken, _ = one.accept()
        taken.close()
    assert str(at(Path("/run/s"))) == "unix:/run/s"


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666])
def test_its_file_has_the_mode_and_the_group_that_were_asked_for(tmp_path: Path, mode: int) -> None:
    group = grp.getgrgid(os.getgroups()[-1] if os.getgroups() else os.getgid()).gr_name
    (sock,) = listen(at(tmp_path / "s", mode=mode, group=group), 1)
    with sock:
        found = (tmp_path / "s").stat()
        assert stat.S_IMODE(found.st_mode) == mode
        assert grp.getgrgid(found.st_gid).gr_name == group


def test_what_a_server_that_was_killed_left_behind_is_no_hindrance(tmp_path: Path) -> None:
    (sock,) = listen(at(tmp_path / "s"), 1)
    sock.close()
    assert (tmp_path / "s").is_socket()
    (sock,) = listen(at(tmp_path / "s"), 1)
    with sock:
        remove(sock)
    assert not (tmp_path / "s").exists()


def test_a_socket_on_which_somebody_listens_is_left_to_him(tmp_path: Path) -> None:
    (sock,) = listen(at(tmp_path / "s"), 1)
    with sock, pytest.raises(ListenError, match="in use"):
        listen(at(tmp_path / "s"), 1)
    assert (tmp_path / "s").is_socket()


def test_what_is_no_socket_is_not_deleted(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("precious")
    with pytest.raises(ListenError, match="a file lies there"):
        listen(at(tmp_path / "s"), 1)
    assert (tmp_path / "s").read_text() == "precious"


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (Place("", 0, "/nowhere/at/all/s"), "folder"),
        (Place("", 0, "/proc/s"), "folder"),
        (Place("", 0, "{}/s", group="no-such-group"), "no-such-group"),
    ],
)
def test_a_socket_that_cannot_be_made_is_told_why(tmp_path: Path, place: Place, words: str) -> None:
    path = place.path.format(tmp_path)
    with pytest.raises(ListenError, match=words):
        listen(Place("", 0, path, group=place.group), 1)
    assert not Path(path).exists()
