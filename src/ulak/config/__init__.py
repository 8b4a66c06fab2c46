"""Configuration: from `ulak.toml` to frozen settings, all mistakes reported at once."""

from ulak.config.mistake import ConfigError, Mistake
from ulak.config.reader import DEFAULT, Loaded, load, read
from ulak.config.settings import (
    Config,
    Delivery,
    DeliveryTimeouts,
    Dns,
    Dnsbl,
    Domain,
    Journal,
    Limits,
    Listener,
    Log,
    Policy,
    Queue,
    Relay,
    Retry,
    Tls,
    Web,
)
from ulak.config.values import Network, NextHop, SocketAddress

__all__ = [
    "DEFAULT",
    "Config",
    "ConfigError",
    "Delivery",
    "DeliveryTimeouts",
    "Dns",
    "Dnsbl",
    "Domain",
    "Journal",
    "Limits",
    "Listener",
    "Loaded",
    "Log",
    "Mistake",
    "Network",
    "NextHop",
    "Policy",
    "Queue",
    "Relay",
    "Retry",
    "SocketAddress",
    "Tls",
    "Web",
    "load",
    "read",
]
