"""Reports that are sent where no server runs are signed as those of a running one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ulak import config
from ulak.app.places import Places
from ulak.app.reportsnow import signs
from ulak.keys.folder import KeyFolder
from ulak.keys.key import Algorithm, Stage

REPORT = b"From: TLS reports <postmaster@mx.example.net>\r\n\r\nhello\r\n"


@pytest.mark.parametrize("there", [True, False])
def test_a_report_is_signed_where_there_is_a_key(tmp_path: Path, *, there: bool) -> None:
    path = tmp_path / "ulak.toml"
    path.write_text(f'hostname = "mx.example.net"\ndata = "{tmp_path / "data"}"\n')
    chosen = config.load(path)
    if there:
        keys = KeyFolder(Places(chosen.data).dkim)
        keys.make("mx.example.net", "s1", (Algorithm.ED25519,), 0.0, exact=True)
        keys.change("mx.example.net", "s1", Stage.SIGNING, 0.0)
    signed = signs(chosen)(REPORT)
    assert signed.endswith(REPORT)
    assert signed.startswith(b"DKIM-Signature:") is there
    assert (b"d=mx.example.net" in signed) is there
