"""The benchmark room: the service beside a plain design of the same API and beside the machine's limit.

make bench-quick     the daily look, under three minutes
make bench           everything that docs/performance.md shows, written into it

reference/   a plain Django project of the same REST API, as one would write it in an afternoon
limit/       a bare WSGI function that runs the same statements on the same schema, and nothing else
"""
