"""The command line: `ulak COMMAND`.

Only the module of the command that runs is imported. A command is a plain Click command or group
in a module of this package; its line in `COMMANDS` makes it known, and its words in every
language stand in `texts/`.
"""

from __future__ import annotations

from ulak.cli.frame import Ulak

COMMANDS = {
    "serve": "ulak.cli.serve:serve",
    "demo": "ulak.cli.demo:demo",
    "explain": "ulak.cli.explain:explain",
    "compare": "ulak.cli.reference:compare",
    "codes": "ulak.cli.reference:codes",
    "check": "ulak.cli.check:check",
    "probe": "ulak.cli.probe:probe",
    "send": "ulak.cli.send:send",
    "queue": "ulak.cli.queue:queue",
    "cluster": "ulak.cli.cluster:cluster",
    "webhook": "ulak.cli.webhook:webhook",
    "suppression": "ulak.cli.suppression:suppression",
    "sources": "ulak.cli.sources:sources",
    "reports": "ulak.cli.reports:reports",
    "account": "ulak.cli.account:account",
    "token": "ulak.cli.token:token",
    "dkim": "ulak.cli.dkim:dkim",
    "dns": "ulak.cli.dns:dns",
    "why": "ulak.cli.why:why",
    "web": "ulak.cli.web:web",
    "config": "ulak.cli.config:config",
}

main = Ulak(COMMANDS)
