"""The schema of RFC 9990 Appendix A as tables, and who holds a document against it.

Typed from the text of the last draft: for each element which may stand in it, how often, whether
in that order, and which words an element without others may hold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET

NAMESPACE = "{urn:ietf:params:xml:ns:dmarc-2.0}"
ONE, SOME, ANY, MANY = (1, 1), (0, 1), (0, None), (1, None)
TEXT = re.compile(r".*", re.DOTALL)
NUMBER = re.compile(r"\s*[+-]?[0-9]+\s*")
DISPOSITION = re.compile("none|quarantine|reject")
ALIGNMENT = re.compile("[rs]")
VERDICT = re.compile("pass|fail")


@dataclass(frozen=True)
class Of:
    """What stands in an element. `ordered`: xs:sequence, else xs:all."""

    children: dict[str, tuple[tuple[int, int | None], object]]
    ordered: bool = True


REASON = Of(
    {
        "type": (
            ONE,
            re.compile("local_policy|mailing_list|other|policy_test_mode|trusted_forwarder"),
        ),
        "comment": (SOME, TEXT),
    },
    ordered=False,
)
EVALUATED = Of(
    {
        "disposition": (ONE, re.compile("none|pass|quarantine|reject")),
        "dkim": (ONE, VERDICT),
        "spf": (ONE, VERDICT),
        "reason": (ANY, REASON),
    }
)
DKIM = Of(
    {
        "domain": (ONE, TEXT),
        "selector": (ONE, TEXT),
        "result": (ONE, re.compile("none|pass|fail|policy|neutral|temperror|permerror")),
        "human_result": (SOME, TEXT),
    },
    ordered=False,
)
SPF = Of(
    {
        "domain": (ONE, TEXT),
        "scope": (SOME, re.compile("mfrom")),
        "result": (
            ONE,
            re.compile("none|pass|fail|softfail|policy|neutral|temperror|permerror"),
        ),
        "human_result": (SOME, TEXT),
    },
    ordered=False,
)
FEEDBACK = Of(
    {
        "version": (SOME, re.compile(r"1\.0")),
        "report_metadata": (
            ONE,
            Of(
                {
                    "org_name": (ONE, TEXT),
                    "email": (ONE, TEXT),
                    "extra_contact_info": (SOME, TEXT),
                    "report_id": (ONE, TEXT),
                    "date_range": (
                        ONE,
                        Of({"begin": (ONE, NUMBER), "end": (ONE, NUMBER)}, ordered=False),
                    ),
                    "error": (SOME, TEXT),
                    "generator": (SOME, TEXT),
                },
                ordered=False,
            ),
        ),
        "policy_published": (
            ONE,
            Of(
                {
                    "domain": (ONE, TEXT),
                    "discovery_method": (SOME, re.compile("psl|treewalk")),
                    "p": (ONE, DISPOSITION),
                    "sp": (SOME, DISPOSITION),
                    "np": (SOME, DISPOSITION),
                    "fo": (SOME, TEXT),
                    "adkim": (SOME, ALIGNMENT),
                    "aspf": (SOME, ALIGNMENT),
                    "testing": (SOME, re.compile("[ny]")),
                },
                ordered=False,
            ),
        ),
        "record": (
            MANY,
            Of(
                {
                    "row": (
                        ONE,
                        Of(
                            {
                                "source_ip": (ONE, TEXT),
                                "count": (ONE, NUMBER),
                                "policy_evaluated": (ONE, EVALUATED),
                            },
                            ordered=False,
                        ),
                    ),
                    "identifiers": (
                        ONE,
                        Of(
                            {
                                "header_from": (ONE, TEXT),
                                "envelope_from": (SOME, TEXT),
                                "envelope_to": (SOME, TEXT),
                            },
                            ordered=False,
                        ),
                    ),
                    "auth_results": (ONE, Of({"dkim": (ANY, DKIM), "spf": (SOME, SPF)})),
                }
            ),
        ),
    }
)


def mistakes(document: bytes) -> list[str]:
    """Name what the schema does not allow in a document."""
    root = ET.fromstring(document)
    if root.tag != NAMESPACE + "feedback":
        return [root.tag]
    return _of(root, FEEDBACK, "feedback")


def _of(element: ET.Element, wanted: object, path: str) -> list[str]:
    if isinstance(wanted, re.Pattern):
        text = element.text or ""
        return [] if wanted.fullmatch(text) and not len(element) else [f"{path}: {text!r}"]
    assert isinstance(wanted, Of)
    names = [child.tag.removeprefix(NAMESPACE) for child in element]
    found = [f"{path}/{name}" for name in names if name not in wanted.children]
    for name, ((least, most), _) in wanted.children.items():
        count = names.count(name)
        if count < least or (most is not None and count > most):
            found.append(f"{path}/{name}: {count} times")
    order = [list(wanted.children).index(name) for name in names if name in wanted.children]
    if wanted.ordered and order != sorted(order):
        found.append(f"{path}: {names}")
    for child, name in zip(element, names, strict=True):
        if name in wanted.children:
            found += _of(child, wanted.children[name][1], f"{path}/{name}")
    return found
