"""Selectors under which senders are known to publish keys of DKIM, and whose they are.

DNS has no way to list them. These stand in the public setup pages of the providers, or are what
signing programs take when nobody says otherwise; read in November 2026.
"""

from __future__ import annotations

WELL_KNOWN = {
    "google": "Google Workspace",
    "selector1": "Microsoft 365",
    "selector2": "Microsoft 365",
    "default": "OpenDKIM, cPanel, Plesk",
    "mail": "Rspamd, Yandex, Brevo",
    "dkim": "Rspamd, mailcow",
    "s1": "SendGrid",
    "s2": "SendGrid",
    "smtpapi": "SendGrid",
    "k1": "Mailchimp, Mailgun",
    "k2": "Mailchimp",
    "k3": "Mailchimp",
    "mandrill": "Mandrill",
    "mx": "Mailgun",
    "fm1": "Fastmail",
    "fm2": "Fastmail",
    "fm3": "Fastmail",
    "protonmail": "Proton Mail",
    "protonmail2": "Proton Mail",
    "protonmail3": "Proton Mail",
    "sig1": "iCloud Mail",
    "zoho": "Zoho Mail",
    "zmail": "Zoho Mail",
    "key1": "Migadu",
    "key2": "Migadu",
    "key3": "Migadu",
    "mailjet": "Mailjet",
    "brevo1": "Brevo",
    "brevo2": "Brevo",
    "resend": "Resend",
    "pm": "Postmark",
    "cm": "Campaign Monitor",
    "m1": "Marketo",
    "ctct1": "Constant Contact",
    "ctct2": "Constant Contact",
    "mxvault": "MXroute",
    "x": "MXroute",
    "dkim1": "",
    "key": "",
    "smtp": "",
}
"""Selector to the services that use it, `""` for those that are only met often."""

NOBODYS = "ulak-nobody-has-this-one"
"""A selector that no domain has: where it is answered, DNS answers everything there."""
