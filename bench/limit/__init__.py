"""The limit: what is left when everything but the work itself is taken away.

A bare WSGI function on the service's own schema: the token looked up and checked, the same statements, the
same durability, JSON in and out. No framework, no log line, no promise about bad input.
"""
