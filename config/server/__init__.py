"""The server: gunicorn's master, a thread worker of our own, and what they are made of.

master.py        what `manage.py serve` becomes; its workers are its forks
worker.py        waits for all clients and answers whole requests
connection.py    one client's connection, which nobody waits for
waiting.py       the connections that wait, and until when
crew.py          the worker's threads, of which one is on duty
stops.py         signals to stop, over a fork
log.py           gunicorn's log
"""
