"""The description of the API holds: what fits it is answered as it says, what does not is refused.

Schemathesis makes up the requests, right ones and wrong ones.
"""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance
from starlette.testclient import TestClient
from tests.web.api.test_api import World

from ulak.accounts.access import SCOPES
from ulak.language import LANGUAGES
from ulak.web.api.description import description

WORLD = World()
TOKEN = WORLD.tokens.make(*SCOPES)
schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", WORLD.app)


@schema.auth()
class Bearer:
    """Shows a token where one is needed."""

    def get(self, _case: Any, _context: Any) -> str:
        return TOKEN

    def set(self, case: Any, data: str, _context: Any) -> None:
        case.headers = {**(case.headers or {}), "authorization": f"Bearer {data}"}


@schemathesis.serializer("message/rfc822")
def mail(_context: Any, value: Any) -> bytes:
    return str(value).encode("utf-8", "surrogatepass")


@schema.parametrize()
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_breaks_the_api(case: Any) -> None:
    # That a token is needed is tested beside; not every mail is a bounce, whatever a schema says.
    excluded = [ignored_auth]
    # Nor is every text an address.
    if case.media_type == "message/rfc822" or case.path in ("/messages", "/suppressions"):
        excluded.append(positive_data_acceptance)
    case.call_and_validate(excluded_checks=excluded)
    assert not WORLD.incidents, WORLD.incidents


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_document_is_openapi_in_every_language(language: str) -> None:
    told = description(WORLD.operations, "https://mx.example.org", language)
    assert told["servers"] == [{"url": "https://mx.example.org/api/v1"}]
    served = TestClient(WORLD.app).get(f"/api/v1/openapi.json?lang={language}").json()
    assert served["info"] == told["info"]
    assert served["paths"] == told["paths"]
    found = list(schemathesis.openapi.from_dict(told).get_all_operations())
    assert len(found) == len(WORLD.operations)
