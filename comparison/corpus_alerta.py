from collections.abc import Iterator

from comparison.alerta import Alerta
from comparison.corpus import BIG, JSON, Input, Values, bodies, gets, posts, raw, values, with_values
from comparison.product import NAME

FIELDS: Values = [
    ("tags", b'["a\\u0000"]'),
    ("tags", b'"x"'),
    ("event", b'["x"]'),
    ("event", b'{"a":1}'),
    ("environment", b'["Production"]'),
    ("severity", b'["major"]'),
    ("severity", b'"bogus"'),
    ("status", b'"bogus"'),
    ("attributes", b'"x"'),
    ("attributes", b'{"a": "\\u0000"}'),
    ("attributes", b'{"a": "\\ud800"}'),
    ("attributes", b'{"a": NaN}'),
    ("service", b"null"),
    ("service", b'"x"'),
    ("correlate", b"[1, 2]"),
    ("createTime", b'"yesterday"'),
    ("createTime", b"7"),
    ("createTime", b'"0000-01-01T00:00:00.000Z"'),
    ("value", b'{"a": 1}'),
    ("origin", b"7"),
    ("id", b"7"),
    ("id", b"[1]"),
    ("group", b'["x"]'),
    ("type", b'{"a":1}'),
]
ALERTS = (
    f"page={BIG}",
    "page=-1",
    "page=0",
    "page=abc",
    "page=1&page-size=0",
    "page-size=-5",
    f"page-size={BIG}",
    f"page=1&page-size=10&limit={BIG}",
    "status=%00",
    "status=%ff",
    "status=%ed%a0%80",
    "sort-by=bogus",
    "sort-by=%27",
    "q=%28%28%28",
    "q=status:%00",
    "q=" + "%28" * 2000,
    "q=bogusfield:1",
    "from-date=yesterday",
    "to-date=9999-99-99",
    "timeout=abc",
    "duplicateCount=abc",
    f"duplicateCount={BIG}",
    "repeat=maybe",
    "resource=~%28",
    "resource=~%5B",
    "group-by=bogus",
    "fields=bogus",
    "attributes.%27=1",
    "attributes.x=%00",
    "bogus=1",
    "callback=%00",
)
PATHS = (
    "/alert/%00",
    "/alert/%ff",
    "/alert/%5B",
    "/alert/%2A",
    "/alert/" + "x" * 4000,
    "/alerts/count?status=%00",
    "/alerts/top10/count?group-by=bogus",
    f"/alerts/history?page={BIG}",
)
STATUSES = (
    b"{",
    b"[]",
    b'{"status": ["x"]}',
    b'{"status": 7}',
    b'{"status": "bogus"}',
    b'{"status": "ack", "text": "\\u0000"}',
    b'{"status": "ack", "text": "\\ud800"}',
    b'{"status": "ack", "timeout": "x"}',
    b'{"status": "ack", "timeout": 9223372036854775808}',
)
KNOWN = b'{"username": "' + NAME.encode() + b'", "password": '
LOGINS = (
    b"[]",
    b"null",
    b'{"username": 7, "password": "x"}',
    b'{"username": "a\\u0000", "password": "x"}',
    b'{"username": "\\ud800", "password": "x"}',
    KNOWN + b"7}",
    KNOWN + b'"\\ud800"}',
    KNOWN + b'"a\\u0000"}',
    KNOWN + b'"' + b"x" * 1000 + b'"}',
)
AUTHORIZATIONS = (
    "Bearer x",
    "Bearer a.b.c",
    "Basic !",
    "Basic /w==",
    "Key \x7f",
    "Key \xff",
    "Hawk x",
    "Hawk",
)


def inputs(product: Alerta) -> Iterator[Input]:
    """Return creates, queries, changes of status, logins, keys and raw bytes."""
    base = product.body("bad", "text")
    yield from posts(product.path, product.headers, bodies(base))
    yield from posts(product.path, product.headers, with_values(base, values("resource", "text") + FIELDS))
    yield from gets(product.headers, (f"/alerts?{query}" for query in ALERTS))
    yield from gets(product.headers, PATHS)
    pk = product.send(product.create("changed", "text")).data["id"]
    for body in STATUSES:
        yield Input("PUT", f"/alert/{pk}/status", body, {**JSON, **product.headers})
    yield from posts("/auth/login", {}, LOGINS)
    for authorization in AUTHORIZATIONS:
        yield Input("GET", "/alerts", headers={"Authorization": authorization})
    yield from raw(product.path, product.listing, product.headers)
