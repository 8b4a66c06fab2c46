"""`ulak web`: the reference without a mail server, served or as files."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.conftest import free_port

from ulak.cli import main
from ulak.language import LANGUAGES


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["web", *words])
    return done.exit_code, done.stdout, done.stderr


@contextmanager
def alone(folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Run `ulak web --reference-only`; it has said where it is when the block begins."""
    line = [sys.executable, "-m", "ulak", "web", "--reference-only", "--lang", "en", *words]
    with subprocess.Popen(line, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Web pages at http://")
        try:
            yield process
        finally:
            process.kill()


def status(port: int, path: str, host: str = "anything.example") -> int:
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": host})
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code)


def test_the_reference_is_served_alone(tmp_path: Path) -> None:
    port = free_port()
    with alone(tmp_path, "--address", f"127.0.0.1:{port}") as process:
        for path in ("/", "/codes", "/codes/252", "/tr/codes/252", "/ar/causes"):
            assert status(port, path) == 200, path
        for path in ("/console", "/check", "/explain", "/api/v1/queue"):
            assert status(port, path) == 404, path
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert list(tmp_path.iterdir()) == []  # nothing of a mail server is made


def test_names_that_the_configuration_has_are_the_only_ones(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "ulak.toml").write_text(
        f'[web]\naddress = "127.0.0.1:{port}"\nhosts = ["mail.example.org"]\n'
    )
    with alone(tmp_path):
        assert status(port, "/", "mail.example.org") == 200
        assert status(port, "/", "evil.example") == 421


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = run("--reference-only", "--address", f"127.0.0.1:{port}")
    assert (code, out) == (2, "")
    assert f"127.0.0.1:{port} is in use already" in err


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_cannot_be_done_is_told_in_every_language(lang: str) -> None:
    for words in (
        ("--lang", lang),
        ("--lang", lang, "--reference-only", "--address", "nowhere"),
        ("--lang", lang, "--reference-only", "--base", "https://mail.example.org/mail"),
        ("export", "--lang", lang, "somewhere", "--base", "mail.example.org"),
    ):
        code, out, err = run(*words)
        assert (code, out) == (2, ""), words
        assert err.count("\n") == 1
        assert words[-1] in err or "ulak serve" in err


@pytest.mark.slow
def test_the_reference_is_written_as_files(tmp_path: Path) -> None:
    code, out, err = run(
        "export", str(tmp_path / "site"), "--base", "https://mail.example.org", "--lang", "en"
    )
    assert (code, err) == (0, "")
    files = [file for file in (tmp_path / "site").rglob("*") if file.is_file()]
    assert f"{len(files)} files were written" in out
    assert "sitemap" not in out
    page = (tmp_path / "site" / "codes" / "252" / "index.html").read_text("utf-8")
    assert "https://mail.example.org/codes/252" in page
