"""A gunicorn worker that slow clients cannot block, with group commit. README.md says how it is used.

worker.py           the worker process: its options, its threads, its end
event_loop.py       what the threads do: poll, make responses, send them, sync, drop connections
task_queue.py       which of them comes next
fair_queue.py       turns among callers
connection.py       one client's connection and the response in progress
request.py          requests, assembled from bytes that arrive in any pieces
connections.py      all connections: deadlines, limits, which goes first
listeners.py        accepts connections
leader_follower.py  the thread pool
heap.py             gives memory back to the system
options.py          refuses the options of gunicorn's that this worker does not support
errors.py           error responses and log lines
signals.py          stop signals around a fork
log.py              gunicorn's log, propagated to the root logger
"""
