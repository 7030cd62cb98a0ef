import os

# An empty one, as in the tests' environment, is no number to gunicorn, which reads it at its import.
if not os.environ.get("WEB_CONCURRENCY"):
    os.environ.pop("WEB_CONCURRENCY", None)
