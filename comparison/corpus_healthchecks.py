from collections.abc import Iterator

from comparison.corpus import BIG, Input, Values, bodies, gets, posts, raw, values, with_values
from comparison.healthchecks import Healthchecks

FIELDS: Values = [
    ("tags", b'"a\\u0000"'),
    ("tags", b"7"),
    ("schedule", b'"* * *"'),
    ("schedule", b'"* * * * \\u0000"'),
    ("schedule", b'"' + b"1," * 1000 + b'1 * * * *"'),
    ("tz", b'"Nowhere/Town"'),
    ("tz", b'"UTC\\u0000"'),
    ("grace", b"0"),
    ("grace", b"60.5"),
    ("channels", b'["x"]'),
    ("channels", b'"nope"'),
    ("channels", b'"\\u0000"'),
    ("channels", b'"\\ud800"'),
    ("unique", b'"name"'),
    ("unique", b'["bogus"]'),
    ("unique", b'["timeout"]'),
    ("methods", b'"GET"'),
    ("manual_resume", b'"yes"'),
    ("slug", b'"a b"'),
    ("slug", b'"\\ud800"'),
    ("start_kw", b'"\\u0000"'),
    ("start_kw", b'"\\ud800"'),
]
BODIES = (
    b'{"name": "a\\u0000", "unique": ["name"]}',
    b'{"name": "\\ud800", "unique": ["name"]}',
    b'{"tags": "\\ud800", "unique": ["tags"]}',
    b'{"api_key": 7}',
)
PATHS = (
    "/api/v3/checks/?tag=%00",
    "/api/v3/checks/?tag=%ff",
    "/api/v3/checks/?slug=%00",
    "/api/v3/checks/?slug=%ed%a0%80",
    "/api/v3/checks/%00",
    "/api/v3/checks/not-a-uuid",
    "/api/v3/checks/" + "0" * 36,
    "/api/v3/checks/" + "a" * 40,
    "/api/v3/checks/00000000-0000-0000-0000-000000000000",
    f"/ping/{BIG}",
    "/ping/00000000-0000-0000-0000-000000000000",
    "/ping/%00",
    "/ping/%00/slug",
    "/ping/key/%00",
    "/ping/key/slug?create=1&rid=%00",
    "/badge/x/%00.svg",
    "/b/2/%00.svg",
)
OF_A_CHECK = (
    f"flips/?start={BIG}",
    f"flips/?seconds={BIG}",
    "flips/?start=-1",
    "flips/?start=abc",
    "flips/?end=%00",
    "flips/?seconds=-1",
    f"pings/{BIG}/body",
    "pings/-1/body",
    "pings/0/body",
)
OF_A_PING = ("?rid=abc", "?rid=%00", f"/{BIG}", "/256", "/-1", "/bogus")
FORWARDED = ("999.999.1.1", "x\x7f", "1.2.3.4:99999", "::1%eth0", "a" * 300, "\xff")
UPDATES: Values = [
    ("desc", b'"a\\u0000b"'),
    ("desc", b'"\\ud800"'),
    ("desc", b'["x"]'),
    ("name", b'"x\\ud800"'),
    ("timeout", b"9223372036854775808"),
    ("timeout", b"NaN"),
]
LOGINS = (
    ("a\0@b.c", "x"),
    ("\udced\udca0\udc80", "x"),
    ("a@b.c", "\0"),
    ("a" * 10_000 + "@b.c", "x"),
)


def inputs(product: Healthchecks) -> Iterator[Input]:
    """Return creates, queries, pings, updates, logins and raw bytes."""
    base = {"name": "bad", "timeout": 3600}
    yield from posts(product.path, product.headers, [*bodies(base), *BODIES])
    yield from posts(product.path, product.headers, with_values(base, values("name", "desc") + FIELDS))
    yield from gets(product.headers, PATHS)
    pk = product.send(product.create("changed", "text")).data["uuid"]
    yield from gets(product.headers, (f"/api/v3/checks/{pk}/{rest}" for rest in OF_A_CHECK))
    yield from pings(f"/ping/{pk}")
    updates = [b"{bad", b"[" * 100_000, *with_values(base, UPDATES)]
    yield from posts(f"/api/v3/checks/{pk}", product.headers, updates)
    for email, password in LOGINS:
        yield login(product, email, password)
    yield from raw(product.path, product.listing, product.headers)


def pings(path: str) -> Iterator[Input]:
    yield from gets({}, (path + rest for rest in OF_A_PING))
    yield Input("POST", path, b"x" * 10_000_000)
    yield Input("POST", path, b"\xff\x00\xed\xa0\x80")
    yield from (Input("GET", path, headers={"X-Forwarded-For": value}) for value in FORWARDED)
    yield Input("GET", path, headers={"User-Agent": "\xff\xfe"})
    yield Input("GET", path, headers={"X-Forwarded-Proto": "z" * 300})


def login(product: Healthchecks, email: str, password: str) -> Input:
    request = product.login_form(email, password)
    assert isinstance(request.body, str)
    return Input("POST", request.path, request.body.encode(), request.headers)
