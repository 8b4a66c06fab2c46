"""Sources: which of this server's own addresses a message leaves from, and how much may.

`source` and `warmup` are the values, `choice` and `tenants` say whose turn it is, and `quota`
counts for all workers together what warm-up plans and tenants have left.
"""
