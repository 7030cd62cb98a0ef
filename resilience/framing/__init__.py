"""Where requests begin and end: this project's worker against stock gunicorn, on random bytes of HTTP/1.1.

python -m resilience framing --quick
python -m resilience framing --seed 7 --streams 20000

streams.py      the bytes: valid, nearly valid and hostile streams, each with a canary behind it
mutations.py    what makes a request nearly valid or hostile
application.py  a small WSGI application that records what it sees
servers.py      both workers with it
client.py       sends a stream whole, in pieces or byte by byte
compare.py      which differences are allowed, and why
behind.py       the same through Caddy, HAProxy and nginx, with connections to the worker reused
run.py          the program
"""
