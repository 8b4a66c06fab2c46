"""What is known of the sites that mail goes to, and what follows from it.

A site is what shares limits: a provider where the names of its MX hosts show one (`rollup`), else
the hosts of one target. Nothing in here waits, reads a clock or draws lots: they are arguments.

Each strategy has a module of its own: how many attempts at a time (`window`), how fast (`pace`),
not at all until a time (`suspension`), what follows from a cause (`rules`). `terms` puts them
together for one site and one source address, `site` asks them all, `sites` keeps all sites.
"""
