"""Which view answers a path: Django would walk through all patterns for each call."""

import functools

from django.urls import resolve

# A dozen paths are asked for again and again; those with an id come and go.
resolve_once = functools.lru_cache(maxsize=64)(resolve)
