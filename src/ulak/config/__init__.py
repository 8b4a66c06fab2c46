"""Configuration: from `ulak.toml` to frozen settings, all mistakes reported at once."""

from ulak.config.checks import Checks
from ulak.config.dkim import Dkim
from ulak.config.mistake import ConfigError, Mistake
from ulak.config.reader import DEFAULT, Loaded, load, read
from ulak.config.reports import Reports
from ulak.config.scanners import Scanner
from ulak.config.settings import (
    Config,
    Delivery,
    DeliveryTimeouts,
    Dns,
    Dnsbl,
    Domain,
    Issuer,
    Journal,
    Limits,
    Listener,
    Log,
    Login,
    Policy,
    Queue,
    Relay,
    Retry,
    SmartHost,
    Submission,
    Tls,
)
from ulak.config.values import Network, NextHop, SocketAddress
from ulak.config.web import Web, WebTls
from ulak.config.why import Why

__all__ = [
    "DEFAULT",
    "Checks",
    "Config",
    "ConfigError",
    "Delivery",
    "DeliveryTimeouts",
    "Dkim",
    "Dns",
    "Dnsbl",
    "Domain",
    "Issuer",
    "Journal",
    "Limits",
    "Listener",
    "Loaded",
    "Log",
    "Login",
    "Mistake",
    "Network",
    "NextHop",
    "Policy",
    "Queue",
    "Relay",
    "Reports",
    "Retry",
    "Scanner",
    "SmartHost",
    "SocketAddress",
    "Submission",
    "Tls",
    "Web",
    "WebTls",
    "Why",
    "load",
    "read",
]
