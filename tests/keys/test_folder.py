"""Keys lie in files that are the server's alone, and are there whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from ulak.keys.folder import (
    ExposedError,
    KeyFolder,
    KeysError,
    NoSuchKeyError,
    ThereAlreadyError,
)
from ulak.keys.key import Algorithm, DkimKey, Stage, is_selector, strings, zone_line

BOTH = (Algorithm.RSA, Algorithm.ED25519)
ED25519 = (Algorithm.ED25519,)
NOW = 1_700_000_000.0


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_key_is_the_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        folder = KeyFolder(tmp_path / "dkim")
        folder.make("example.org", "s1", BOTH, NOW, exact=True)
    finally:
        os.umask(old)
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert [path.name for path in files] == [".lock", "s1-ed25519.pem", "s1-rsa.pem"]
    assert {mode(path) for path in files} == {0o600}
    assert {mode(path) for path in tmp_path.rglob("*") if path.is_dir()} == {0o700}


def test_a_key_comes_back_as_it_was_made(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "dkim")
    made = folder.make("example.org", "s1", BOTH, NOW, exact=True)
    found, unusable = folder.every()
    assert not unusable
    assert {key.selector: key.record for key in made} == {key.selector: key.record for key in found}
    assert [(k.selector, k.algorithm, k.bits, k.stage, k.made) for k in found] == [
        ("s1-ed25519", Algorithm.ED25519, 256, Stage.NEW, NOW),
        ("s1-rsa", Algorithm.RSA, 2048, Stage.NEW, NOW),
    ]
    assert found[1].name == "s1-rsa._domainkey.example.org"
    assert not folder.of("example.net")


def test_a_key_goes_through_its_life(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "dkim")
    folder.make("example.org", "s1", ED25519, NOW, exact=True)
    key = folder.change("example.org", "s1", Stage.SIGNING, NOW + 10)
    assert (key.stage, key.made, key.activated, key.retired) == ("signing", NOW, NOW + 10, None)
    again = folder.change("example.org", "s1", Stage.SIGNING, NOW + 20)
    assert again.activated == NOW + 10, "it is so since then"
    folder.change("example.org", "s1", Stage.RETIRED, NOW + 30)
    key = folder.read("example.org", "s1")
    assert (key.stage, key.activated, key.retired) == ("retired", NOW + 10, NOW + 30)
    key = folder.change("example.org", "s1", Stage.SIGNING, NOW + 40)
    assert (key.activated, key.retired) == (NOW + 40, None)
    assert mode(tmp_path / "dkim/example.org/s1.pem") == 0o600
    folder.remove("example.org", "s1")
    with pytest.raises(NoSuchKeyError):
        folder.remove("example.org", "s1")
    with pytest.raises(NoSuchKeyError):
        folder.change("example.org", "s1", Stage.SIGNING, NOW)
    assert not (tmp_path / "dkim/example.org").exists()


@pytest.mark.parametrize("permissions", [0o640, 0o604, 0o660, 0o610, 0o602])
def test_a_key_that_others_can_get_at_is_refused(tmp_path: Path, permissions: int) -> None:
    folder = KeyFolder(tmp_path / "dkim")
    folder.make("example.org", "s1", ED25519, NOW, exact=True)
    (tmp_path / "dkim/example.org/s1.pem").chmod(permissions)
    with pytest.raises(ExposedError, match=f"its mode is {permissions:04o}"):
        folder.read("example.org", "s1")
    with pytest.raises(ExposedError):
        folder.change("example.org", "s1", Stage.SIGNING, NOW)
    found, unusable = folder.every()
    assert not found
    assert [(each.domain, each.selector) for each in unusable] == [("example.org", "s1")]


def test_what_root_makes_is_the_owners_of_the_data(tmp_path: Path) -> None:
    root = os.geteuid() == 0
    if root:
        os.chown(tmp_path, 12345, 12346)
    folder = KeyFolder(tmp_path / "dkim")
    folder.make("example.org", "s1", ED25519, NOW, exact=True)
    folder.change("example.org", "s1", Stage.SIGNING, NOW)
    owner = 12345 if root else os.geteuid()
    assert {path.stat().st_uid for path in tmp_path.rglob("*")} == {owner}
    assert folder.read("example.org", "s1").stage is Stage.SIGNING
    if root:  # nobody else can give a file away
        os.chown(tmp_path / "dkim/example.org/s1.pem", 12347, 12346)
        with pytest.raises(KeysError, match="belongs to somebody else"):
            folder.read("example.org", "s1")


def pem(private: object, password: bytes = b"") -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    octets = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)  # type: ignore[attr-defined] # every key here can be written
    assert isinstance(octets, bytes)
    return octets


def put(folder: Path, octets: bytes, selector: str = "old") -> None:
    where = folder / "dkim/example.org"
    where.mkdir(parents=True, exist_ok=True)
    (where / f"{selector}.pem").write_bytes(octets)
    (where / f"{selector}.pem").chmod(0o600)


def test_a_key_that_was_made_elsewhere_is_taken_as_new(tmp_path: Path) -> None:
    private = rsa.generate_private_key(65537, 1024)
    octets = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    put(tmp_path, octets)
    key = KeyFolder(tmp_path / "dkim").read("example.org", "old")
    assert (key.stage, key.made, key.bits) == (Stage.NEW, None, 1024)


def test_openssl_and_cryptography_read_our_files(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "dkim")
    folder.make("example.org", "s1", BOTH, NOW, exact=True)
    for selector in ("s1-rsa", "s1-ed25519"):
        path = tmp_path / f"dkim/example.org/{selector}.pem"
        assert load_pem_private_key(path.read_bytes(), None)
        done = subprocess.run(["openssl", "pkey", "-in", path, "-noout", "-check"], check=False)
        assert done.returncode == 0


WHOLE = pem(Ed25519PrivateKey.generate())


@pytest.mark.parametrize(
    ("octets", "problem"),
    [
        (b"", "no key in PEM form"),
        (b"\xff\x00 nonsense", "no key in PEM form"),
        (WHOLE[:60], "no key in PEM form"),
        (WHOLE.replace(b"\n-----END", b"A\n-----END"), "damaged"),
        (pem(Ed25519PrivateKey.generate(), b"secret"), "has a password"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "neither RSA nor Ed25519"),
        (pem(rsa.generate_private_key(65537, 1024)).replace(b"MII", b"MIA"), "damaged"),
    ],
    ids=["empty", "nonsense", "half", "longer", "password", "curve", "shape"],
)
def test_what_is_no_key_is_refused_without_a_word_of_it(
    tmp_path: Path, octets: bytes, problem: str
) -> None:
    put(tmp_path, octets)
    with pytest.raises(KeysError, match=problem) as caught:
        KeyFolder(tmp_path / "dkim").read("example.org", "old")
    secret = octets.split(b"\n")[1].decode()[:20] if b"BEGIN" in octets else ""
    assert not secret or secret not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_pipe_or_a_folder_in_place_of_a_key_stops_nobody(tmp_path: Path) -> None:
    where = tmp_path / "dkim/example.org"
    where.mkdir(parents=True)
    os.mkfifo(where / "pipe.pem", 0o600)
    (where / "folder.pem").mkdir(0o700)
    found, unusable = KeyFolder(tmp_path / "dkim").every()
    assert not found
    assert {str(each.error.problem) for each in unusable} == {"it is no file"}


def test_what_a_write_left_half_is_no_key(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "dkim")
    folder.make("example.org", "s1", ED25519, NOW, exact=True)
    (tmp_path / "dkim/example.org/.s2.pem.1").write_bytes(WHOLE[:30])
    (tmp_path / "dkim/example.org/readme.txt").write_bytes(b"hello")
    found, unusable = folder.every()
    assert [key.selector for key in found] == ["s1"]
    assert not unusable


def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = KeyFolder(tmp_path / "dkim")
    folder.make("example.org", "s1", ED25519, NOW, exact=True)

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeysError, match="No space left"):
        folder.change("example.org", "s1", Stage.SIGNING, NOW)
    assert folder.read("example.org", "s1").stage is Stage.NEW
    assert names(tmp_path / "dkim/example.org") == ["s1.pem"]


def test_nobody_ever_reads_half_a_key(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "dkim")
    folder.make("example.org", "s1", ED25519, NOW, exact=True)
    done = threading.Event()
    wrong: list[BaseException] = []

    def read() -> None:
        while not done.is_set():
            try:
                folder.read("example.org", "s1")
            except BaseException as error:  # noqa: BLE001 -- it is told below
                wrong.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(60):
        stage = Stage.RETIRED if number % 2 else Stage.SIGNING
        folder.change("example.org", "s1", stage, NOW + number)
    done.set()
    thread.join()
    assert not wrong


def test_a_selector_that_is_taken_stays_whose_it_is(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "dkim")
    (first,) = folder.make("example.org", "s1", ED25519, NOW, exact=True)
    with pytest.raises(ThereAlreadyError):
        folder.make("example.org", "s1", ED25519, NOW, exact=True)
    folder.make("example.org", "s1-rsa", ED25519, NOW, exact=True)
    with pytest.raises(ThereAlreadyError):
        folder.make("example.org", "s1", BOTH, NOW, exact=True)
    assert folder.read("example.org", "s1").public == first.public
    assert names(tmp_path / "dkim/example.org") == ["s1-rsa.pem", "s1.pem"]
    (other,) = folder.make("example.org", "s1", ED25519, NOW, exact=False)
    assert other.selector == "s1b"


def test_several_keygens_at_once_make_a_key_each(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from ulak.keys.folder import KeyFolder; from ulak.keys.key import Algorithm\n"
        "made = KeyFolder(Path(sys.argv[1])).make("
        "'example.org', 's1', (Algorithm.ED25519,), 1.0, exact=False)\n"
        "print(made[0].selector, made[0].public)"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "dkim")],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    said = dict(process.communicate()[0].split() for process in running)
    assert sorted(said) == ["s1", "s1b", "s1c", "s1d"]
    assert {key.selector: key.public for key in KeyFolder(tmp_path / "dkim").every()[0]} == said


@pytest.mark.parametrize("selector", ["../s1", "", ".s1", "s1/x", "s1\0", "S1", "s1.", "a..b"])
@pytest.mark.parametrize("domain", ["example.org", "..", "../example.org", ""])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, domain: str, selector: str) -> None:
    put(tmp_path, WHOLE, "s1")
    folder = KeyFolder(tmp_path / "dkim")
    with pytest.raises(NoSuchKeyError):
        folder.read(domain, selector)
    with pytest.raises(NoSuchKeyError):
        folder.remove(domain, selector)
    assert not is_selector(selector)


def test_a_key_is_not_shown_where_it_is_printed(tmp_path: Path) -> None:
    (key,) = KeyFolder(tmp_path / "dkim").make("example.org", "s1", ED25519, NOW, exact=True)
    assert isinstance(key, DkimKey)
    assert "private" not in repr(key)
    assert "PRIVATE" not in repr(key)


def test_a_record_is_cut_into_strings_that_dns_takes() -> None:
    record = "v=DKIM1; p=" + "A" * 600
    cut = strings(record)
    assert [len(each) for each in cut] == [255, 255, 101]
    assert "".join(cut) == record
    assert strings("") == ("",)
    line = zone_line("s1._domainkey.example.org", 'say "a\\b"')
    assert line == 's1._domainkey.example.org. IN TXT ( "say \\"a\\\\b\\"" )'
