"""What an operator can say of destinations that put mail off."""

from __future__ import annotations

from pathlib import Path

import pytest

from ulak import config as settings
from ulak.config.rules import ACTIONS
from ulak.delivery.site.rules import Act

RULES = """
hostname = "mx.example.org"
[[delivery.rule]]
causes = ["mailbox-full"]
action = "retry"
wait = "2h"
longest = "1d"
[[delivery.rule]]
families = ["rate-limited"]
sites = ["google"]
action = "suspend"
[destinations."*.example.net"]
connections = 2
messages_per_minute = 30
messages_per_connection = 5
"""


def test_rules_and_limits_are_read(tmp_path: Path) -> None:
    file = tmp_path / "ulak.toml"
    file.write_text(RULES)
    chosen = settings.load(file)
    first, second = chosen.delivery.rules
    assert (first.causes, first.action, first.wait, first.longest) == (
        ("mailbox-full",),
        "retry",
        7200.0,
        86_400.0,
    )
    assert (second.families, second.sites) == (("rate-limited",), ("google",))
    one = chosen.destinations["*.example.net"]
    assert (one.connections, one.messages_per_minute) == (2, 30)
    assert one.messages_per_connection == 5


def test_a_rule_for_a_cause_that_there_is_not_is_a_mistake(tmp_path: Path) -> None:
    file = tmp_path / "ulak.toml"
    file.write_text(RULES.replace("mailbox-full", "mailbox-empty"))
    with pytest.raises(settings.ConfigError, match="mailbox-empty"):
        settings.load(file)


def test_every_action_can_be_configured() -> None:
    assert set(ACTIONS) == set(Act)
