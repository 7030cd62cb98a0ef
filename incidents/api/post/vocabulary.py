"""The POST dialect's vocabulary, translated from and to the stored values.

The laws, for every stored value s and value w of the dialect:

    read(write(s, w)) = w        what you write you read
    write(s, read(s)) = s        writing what you already read changes nothing

`write(s, w)` is `POST_TO_STORED_STATUS[w]`, unless s already reads as w: `statuses_read_as(w)`, which is also
what a filter by w finds.
"""

import functools

from incidents.models import Source, Status

STORED_TO_POST_STATUS: dict[str, str] = {
    Status.OPEN: "new",
    Status.IN_PROGRESS: "processing",
    Status.RESOLVED: "completed",
    Status.CLOSED: "completed",
    Status.CANCELLED: "fake",
    Status.FAKE: "fake",
    Status.UNKNOWN: "unknown",
}
POST_TO_STORED_STATUS = {
    "new": Status.OPEN,
    "processing": Status.IN_PROGRESS,
    "completed": Status.RESOLVED,
    "fake": Status.FAKE,
    "unknown": Status.UNKNOWN,
}
STORED_TO_POST_SOURCE: dict[str, str] = {
    Source.OPERATOR: "operator",
    Source.MONITORING: "monitoring",
    Source.PARTNER: "partner",
    Source.SYSTEM: "unknown",
    Source.UNKNOWN: "unknown",
}
POST_TO_STORED_SOURCE = {
    "operator": Source.OPERATOR,
    "monitoring": Source.MONITORING,
    "partner": Source.PARTNER,
    "unknown": Source.UNKNOWN,
}


@functools.cache
def statuses_read_as(value: str) -> frozenset[Status]:
    return frozenset(status for status in Status if STORED_TO_POST_STATUS[status] == value)


@functools.cache
def sources_read_as(value: str) -> frozenset[Source]:
    return frozenset(source for source in Source if STORED_TO_POST_SOURCE[source] == value)
