"""The server: gunicorn's master, a thread worker of our own, and what they are made of.

worker.py        waits for all clients and answers whole requests
connection.py    one client's connection, which nobody waits for
poll.py          the connections that wait, and until when
leader_follower.py  the worker's threads, of which one is on duty
signals.py       signals to stop, over a fork
log.py           gunicorn's log
"""
