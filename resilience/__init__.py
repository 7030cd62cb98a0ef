"""Fault injection: each promise of docs/reliability.md attacked over HTTP, and its figure against its goal.

    python -m resilience --help            the programs
    python -m resilience kills --kills 20  one of them
    python -m resilience all               every one, in under a quarter of an hour (`make torture`)

    service.py   the service under attack: started, killed and stopped in a throw-away folder
    cluster.py   a private PostgreSQL with its usual durability
    wire.py      one connection of a client
    load.py      processes that write and keep a ledger of what was acknowledged
    audit.py     the ledger against the database, row by row

Everything listens on loopback, on ports 8700 to 8799, and is gone at the end, on Ctrl-C too.
"""
