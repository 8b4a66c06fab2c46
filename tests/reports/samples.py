"""Reports as others write them, made for the tests."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from typing import Any

NAMESPACE = "urn:ietf:params:xml:ns:dmarc-2.0"

RECORD = """
  <record>
    <row>
      <source_ip>192.0.2.7</source_ip>
      <count>12</count>
      <policy_evaluated>
        <disposition>quarantine</disposition>
        <dkim>fail</dkim>
        <spf>fail</spf>
        <reason><type>local_policy</type><comment>a list</comment></reason>
      </policy_evaluated>
    </row>
    <identifiers>
      <envelope_from>bounce.example.net</envelope_from>
      <header_from>Example.ORG</header_from>
    </identifiers>
    <auth_results>
      <dkim>
        <domain>example.org</domain><selector>s1</selector><result>fail</result>
        <human_result>body hash</human_result>
      </dkim>
      <spf><domain>bounce.example.net</domain><scope>mfrom</scope><result>pass</result></spf>
    </auth_results>
  </record>"""


def aggregate(
    *,
    records: str = RECORD,
    namespace: str = f' xmlns="{NAMESPACE}"',
    report_id: str = "2026-11-26.example.org@mx.example.net",
    before: str = "",
    inside: str = "",
) -> bytes:
    """Write an aggregate report."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>{before}
<feedback{namespace}>
  <version>1.0</version>
  <report_metadata>
    <org_name>Example Net</org_name>
    <email>dmarc@example.net</email>
    <report_id>{report_id}</report_id>
    <date_range><begin>1764115200</begin><end>1764201599</end></date_range>
  </report_metadata>
  <policy_published>
    <domain>example.org</domain><p>quarantine</p><sp>none</sp><np>reject</np>
    <testing>n</testing><discovery_method>treewalk</discovery_method>
  </policy_published>{inside}{records}
</feedback>""".encode()


# RFC 7489 Appendix C: no namespace, pct, no testing; several SPF results and another order.
OLD = b"""<?xml version="1.0"?>
<feedback>
  <report_metadata>
    <report_id>13937861894541</report_id>
    <org_name>old.example</org_name>
    <email>postmaster@old.example</email>
    <extra_contact_info>https://old.example/dmarc</extra_contact_info>
    <date_range><end>1764201599</end><begin>1764115200</begin></date_range>
    <error>two records</error>
    <error>a bad rua</error>
  </report_metadata>
  <policy_published>
    <domain>example.org</domain><adkim>r</adkim><aspf>s</aspf><p>none</p><pct>50</pct>
  </policy_published>
  <record>
    <row>
      <source_ip>2001:db8::5</source_ip><count>1</count>
      <policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>fail</spf>
        <reason><type>forwarded</type></reason></policy_evaluated>
    </row>
    <identifiers><header_from>example.org</header_from></identifiers>
    <auth_results>
      <spf><domain>helo.example</domain><scope>helo</scope><result>none</result></spf>
      <spf><domain>example.org</domain><scope>mfrom</scope><result>softfail</result></spf>
    </auth_results>
  </record>
</feedback>"""


def tls(**changes: Any) -> bytes:
    """Write a TLS report, as in RFC 8460 Appendix B."""
    document: dict[str, Any] = {
        "organization-name": "Company-X",
        "date-range": {
            "start-datetime": "2026-11-26T00:00:00Z",
            "end-datetime": "2026-11-26T23:59:59Z",
        },
        "contact-info": "sts-reporting@company-x.example",
        "report-id": "5065427c-23d3-47ca-b6e0-946ea0e8c4be",
        "policies": [
            {
                "policy": {
                    "policy-type": "sts",
                    "policy-string": ["version: STSv1", "mode: testing"],
                    "policy-domain": "Company-Y.example",
                    "mx-host": ["*.mail.company-y.example"],
                },
                "summary": {
                    "total-successful-session-count": 5326,
                    "total-failure-session-count": 303,
                },
                "failure-details": [
                    {
                        "result-type": "certificate-expired",
                        "sending-mta-ip": "2001:db8:abcd:0012::1",
                        "receiving-mx-hostname": "mx1.mail.company-y.example",
                        "failed-session-count": 100,
                    },
                    {
                        "result-type": "starttls-not-supported",
                        "receiving-ip": "2001:db8:abcd:0013::1",
                        "failed-session-count": 203,
                        "failure-reason-code": "X509",
                    },
                ],
            }
        ],
    }
    return json.dumps(document | changes).encode()


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Put files into a zip file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, octets in files:
            archive.writestr(name, octets)
    return out.getvalue()


def mail(
    octets: bytes,
    *,
    kind: str = "application/gzip",
    name: str = "example.net!example.org!1764115200!1764201599.xml.gz",
) -> bytes:
    """Attach a file to a mail, as most reporters do."""
    encoded = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    return (
        b"From: DMARC <dmarc@example.net>\r\nTo: <dmarc-reports@example.org>\r\n"
        b"Subject: Report Domain: example.org Submitter: example.net\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="=_cut"\r\n\r\nMIME.\r\n'
        b"--=_cut\r\nContent-Type: text/plain\r\n\r\nA report is attached.\r\n"
        b"--=_cut\r\nContent-Type: " + kind.encode() + b"\r\n"
        b'Content-Disposition: attachment; filename="' + name.encode() + b'"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n" + encoded + b"--=_cut--\r\n"
    )


def packed(octets: bytes) -> bytes:
    """Pack with gzip, the same every time."""
    return gzip.compress(octets, mtime=0)
