"""Bad input for both products: whole bodies, values of single fields, and bytes that are hardly HTTP."""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

BIG = "9" * 21
SHOWN = 60  # bytes of a body; what is bad stands at its end
JSON = {"Content-Type": "application/json"}
Values = list[tuple[str, bytes]]


@dataclass(frozen=True)
class Input:
    """One bad request; with neither method nor path, the body is all the bytes that are sent."""

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path[:60]} {(self.body or b'')[-SHOWN:]!r} {dict(self.headers)}"[:200]


def bodies(base: Mapping[str, object]) -> list[bytes]:
    """Return whole bodies that are no create."""
    good = json.dumps(base)
    return [
        b"",
        b"{bad",
        b'{"a": 1',
        b"[]",
        b'"x"',
        b"7",
        b"null",
        b"true",
        b'[{"name":"x"}]',
        good.encode("utf-16"),
        good.encode("utf-8-sig"),
        b"[" * 100_000,
        b'{"name": "a", "name": ["b"], "resource": "a", "resource": ["b"], "event": "e"}',
    ]


def values(name: str, text: str) -> Values:
    """Return bad values, as they are sent, for the fields that both have: a name, a text, and a number."""
    texts = (
        b'"\xff\xfe"',
        b'"\xed\xa0\x80"',
        '"é"'.encode("latin-1"),
        b'"a\\u0000b"',
        b'"\\ud800"',
        b'["x"]',
        b'{"a": {"b": 1}}',
        b"7",
        b"NaN",
        b"[" * 33 + b"]" * 33,
        b"[" * 100_000 + b"]" * 100_000,
        b'"' + b"x" * 10_000_000 + b'"',
    )
    names = (
        b'"a\\u0000b"',
        b'"x\\ud800"',
        b'["x"]',
        b'{"a": 1}',
        b"7",
        b"null",
        b'"' + b"x" * 100_000 + b'"',
    )
    numbers = (
        b"NaN",
        b"Infinity",
        b"1e400",
        b"2147483648",
        b"9223372036854775808",
        b"9" * 5000,
        b"-1",
        b'"abc"',
        b"[1]",
        b"true",
    )
    given = {text: texts, name: names, "timeout": numbers, "\\ud83d": (b'"x"',), "tags": (b'[{"a": 1}]',)}
    return [(key, value) for key, bad in given.items() for value in bad]


def with_values(base: Mapping[str, object], bad: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """Put each bad value into a body that is good otherwise."""
    good = json.dumps(base)[:-1].encode()
    for key, value in bad:
        yield good + b', "' + key.encode() + b'": ' + value + b"}"


def posts(path: str, headers: Mapping[str, str], given: Iterable[bytes]) -> Iterator[Input]:
    return (Input("POST", path, body, {**JSON, **headers}) for body in given)


def gets(headers: Mapping[str, str], paths: Iterable[str]) -> Iterator[Input]:
    return (Input("GET", path, headers=headers) for path in paths)


def raw(path: str, listing: str, headers: Mapping[str, str]) -> Iterator[Input]:
    """Return what no client library sends."""
    given = {**JSON, **headers, "Host": "127.0.0.1"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    head = f"POST {path} HTTP/1.1\r\n{lines}"
    charset = head.replace("application/json", "application/json; charset=bogus")
    chunks = "2\r\n{}\r\n0\r\n\r\n"
    framed = (
        "Content-Length: abc\r\n\r\n{}",
        "Content-Length: -1\r\n\r\n{}",
        "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        f"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}",
        "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        f"Content-Length: {'9' * 20}\r\n\r\n",
        "\r\n",
        "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nzz",
    )
    others = (
        "\x16\x03\x01garbage\r\n\r\n",
        f"GET / HTTP/9.9\r\n{lines}\r\n",
        f"G\0T / HTTP/1.1\r\n{lines}\r\n",
        f"GET / HTTP/1.1\r\n{lines}bogus\r\n\r\n",
        f"GET /a b HTTP/1.1\r\n{lines}\r\n",
        f"GET / HTTP/1.1\r\n{lines}X: {'x' * 100_000}\r\n\r\n",
        f"GET {listing} HTTP/1.1\r\n{lines.replace('127.0.0.1', 'a b@c')}\r\n",
        f"{charset}Content-Length: 2\r\n\r\n{{}}",
    )
    every = itertools.chain((head + rest for rest in framed), others)
    return (Input("", "", sent.encode("latin-1")) for sent in every)
