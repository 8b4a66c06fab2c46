"""A configuration that says something of everything."""

EVERYTHING = """
hostname = "MX.example.org"
data = "data"
workers = 2
languages = ["tr", "en"]

[[listener]]
address = "127.0.0.1:2525"

[[listener]]
address = "[::1]:2424"
kind = "submission"

[[listener]]
address = "unix:run/in.sock"
kind = "lmtp"
socket_mode = "666"
socket_group = "mail"

[web]
address = "localhost:8025"

[domains."Example.org"]
mailboxes = ["Ada", "grace"]
aliases = { info = ["ada@example.org", "else@example.net"] }
moved = { Alan = "alan@example.net" }
deliver = "lmtp:unix:lmtp.sock"

[relay]
networks = ["127.0.0.1", "2001:db8::/32"]

[route]
"example.net" = "smtp:192.0.2.1:2526"

[smarthost."192.0.2.1:2526"]
tls = "opportunistic"
trust_unproven = true

[delivery]
paused = true
warn_after = 0
retry = { first = "1m", longest = "1h30m" }

[destinations."*.Example.net"]
tls = "verify"
[[source]]
name = "First"
address = "192.0.2.10"
address6 = "2001:db8::10"
hostname = "Out1.example.org"

[[source]]
name = "second"
address = "192.0.2.11"
warmup = { start = 2026-11-27, per_day = [10, 10, 20], per_site = false }

[pools.usual]
sources = { first = 3, second = 1 }

[tenants."list"]
domains = ["list.example.org"]
accounts = ["ada@example.org"]
pool = "usual"
messages_per_day = 1000

[dns]
servers = ["127.0.0.1:5353", "::1"]

[policy]
max_message_size = "1MiB"
deny = ["192.0.2.0/24"]

[[policy.dnsbl]]
zone = "zen.example.org"
codes = ["127.0.0.2", "127.0.0.8/30"]

[log]
format = "json"
"""
