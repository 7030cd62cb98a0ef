"""Two services of the same kind, Alerta 9.1.0 and healthchecks v4.3, attacked and put under load like ours.

    python -m comparison install --python /usr/bin/python3.13   prepare both, once, outside the project
    python -m comparison measure                                every row on both, as a table
    python -m comparison measure --peer alerta --rows create,F1 --kills 4

    install.py       the environments of both, in a folder of their own
    peer.py          what both have in common: gunicorn with two workers in a throw-away folder
    alerta.py        Alerta, on a private PostgreSQL
    healthchecks.py  healthchecks, on SQLite
    rows.py          the rows of the table
    speed.py         creates and lists under wrk, with requests.lua
    kills.py         creates while the peer or its PostgreSQL ends, and the ledger against the database
    logins.py        guesses, and how long a failed login takes
    lost.py          connections held, and requests in flight when it is told to stop
    hostile.py       bad input, from corpus.py, corpus_alerta.py and corpus_healthchecks.py

Everything listens on loopback, on ports 8770 to 8779, and is gone at the end.
"""
