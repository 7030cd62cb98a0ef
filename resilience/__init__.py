"""Fault injection: each promise of docs/reliability.md attacked over HTTP, and its figure against its goal.

python -m resilience --help             the programs
python -m resilience kills --kills 20   one of them
python -m resilience all                every one, in a quarter of an hour (`make resilience`)

kills                   workers, master and everything killed with -9 under load
deliveries              the same kills, with receivers that fail, hang, drip and are busy
feed                    followers of the feed beside writers, one of them slow
power-cuts              the disk keeps only what was flushed
full-disk               no space left, then space again
postgres-restarts       PostgreSQL stopped and started under load
concurrent-writers      processes that write without pause
slow-clients            idle, half-sent and non-reading connections
graceful-stop           SIGTERM behind requests in flight
first-starts            several first starts at once, and first starts killed
interrupted-migrations  a first run killed at each migration
clock-jumps             the wall clock set forwards and back
password-guessing       parallel guesses past the limit
login-timing            known against unknown names
login-flood             another client during a flood of logins
token-revocation        tokens after a password change, deactivation, deletion, logout
memory                  workers' memory over many requests
dispatcher-memory       the dispatcher's memory over many deliveries
attacks                 what strangers and users can do to all others (attacks/)
framing                 the same bytes to this server and others, compared (framing/)

What the programs share:

service.py    the service under attack: started, killed and stopped in a throw-away folder
postgres.py   a private PostgreSQL with its usual durability
load.py       processes that write and keep a ledger of what was acknowledged
audit.py      the ledger against the database, row by row
figures.py    a figure beside its goal

The HTTP client and what /proc says of a process are bench's (bench/http_client.py, bench/processes.py).
Everything listens on loopback, on ports 8700 to 8799, and is gone at the end, on Ctrl-C too.
"""
