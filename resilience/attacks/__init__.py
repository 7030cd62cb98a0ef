"""Attacks on the service from loopback: what each costs the other clients, the workers and their memory.

python -m resilience attacks                          all of them
python -m resilience attacks search downloads --quick
python -m resilience attacks --service CHECKOUT       another version of the service

target.py     what is attacked, on which database, for how long
attackers.py  clients that attack at once, in processes of their own
observed.py   other clients' response times, the workers and their memory meanwhile
raw.py        bytes that no HTTP client would send
proxies.py    Caddy, HAProxy and nginx in front
run.py        the attacks, one a module, and their table
"""
