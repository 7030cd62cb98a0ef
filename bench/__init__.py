"""Speed: the service beside a plain design of the same API, the machine's limit, and other checkouts.

make bench-quick                            the daily look, under three minutes
make bench-quick BESIDE=../other-checkout   the same workloads beside another version, as ratios
make bench                                  everything that docs/performance.md shows, written into it

Programs, each `python -m bench.NAME --help`:

run            what make starts: load, the whole list, latency by size, startup
scaling        throughput and disk from a thousand to ten million incidents
storm          10,000 alerts in one post (a part of run)
transfer       export and import
web            open pages that poll, the statistics of a year
microseconds   the processor time of one request, by package
fill           a database of so many incidents

What they compare with:

reference/     a plain Django project of the same REST API, as one would write it in an afternoon
limit/         a bare WSGI function that runs the same statements on the same schema, and nothing else
"""
