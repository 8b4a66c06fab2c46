"""Configuration: from `ulak.toml` to frozen settings, all mistakes reported at once."""

from ulak.config.checks import Checks
from ulak.config.destinations import Destination
from ulak.config.dkim import Dkim
from ulak.config.forwarding import Forwarding
from ulak.config.handlers import Handler
from ulak.config.mistake import ConfigError, Mistake
from ulak.config.policy import Dnsbl, Policy
from ulak.config.queue import Queue
from ulak.config.reader import DEFAULT, Loaded, load, read
from ulak.config.reports import Reports
from ulak.config.returns import Returns
from ulak.config.rosters import Roster
from ulak.config.scanners import Scanner
from ulak.config.settings import (
    Config,
    Delivery,
    DeliveryTimeouts,
    Dns,
    Domain,
    Issuer,
    Journal,
    Limits,
    Listener,
    Log,
    Login,
    Relay,
    Retry,
    SmartHost,
    Submission,
    Tls,
)
from ulak.config.sources import Pool, Source, Tenant, Warmup
from ulak.config.suppression import Suppression
from ulak.config.values import Network, NextHop, SocketAddress
from ulak.config.web import Web, WebTls
from ulak.config.webhooks import Webhook
from ulak.config.why import Why

__all__ = [
    "DEFAULT",
    "Checks",
    "Config",
    "ConfigError",
    "Delivery",
    "DeliveryTimeouts",
    "Destination",
    "Dkim",
    "Dns",
    "Dnsbl",
    "Domain",
    "Forwarding",
    "Handler",
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
    "Pool",
    "Queue",
    "Relay",
    "Reports",
    "Retry",
    "Returns",
    "Roster",
    "Scanner",
    "SmartHost",
    "SocketAddress",
    "Source",
    "Submission",
    "Suppression",
    "Tenant",
    "Tls",
    "Warmup",
    "Web",
    "WebTls",
    "Webhook",
    "Why",
    "load",
    "read",
]
