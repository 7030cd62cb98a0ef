"""The view of a path, remembered: Django would try the patterns one after the other for each request."""

import functools

from django.urls import resolve

# A dozen paths are asked for again and again; those with an id come and go.
resolve_cached = functools.lru_cache(maxsize=64)(resolve)
