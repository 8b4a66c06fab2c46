"""Files of others that we serve are as they were published."""

from __future__ import annotations

import base64
import hashlib

from ulak.web.asset import FOLDER

# SHA-384 of `dist/` in the packages htmx.org 2.0.10 and htmx-ext-sse 2.2.4.
PUBLISHED = {
    "vendor/htmx.js": "H5SrcfygHmAuTDZphMHqBJLc3FhssKjG7w/CeCpFReSfwBWDTKpkzPP8c+cLsK+V",
    "vendor/sse.js": "A986SAtodyH8eg8x8irJnYUk7i9inVQqYigD6qZ9evobksGNIXfeFvDwLSHcp31N",
}


def test_every_file_of_others_is_the_published_one() -> None:
    found = {
        file.relative_to(FOLDER).as_posix(): base64.b64encode(
            hashlib.sha384(file.read_bytes()).digest()
        ).decode("ascii")
        for file in (FOLDER / "vendor").glob("*.js")
    }
    assert found == PUBLISHED
