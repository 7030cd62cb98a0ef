"""Reading JSON from strangers: one object, UTF-8, nothing ambiguous."""

import json
from typing import Any, NoReturn

MAX_DEPTH = 32
MAX_NUMBER_LENGTH = 400


def loads(body: bytes) -> dict[str, Any]:
    """Decode the one JSON object that `body` is.

    Raises `ValueError` for everything that RFC 8259 leaves open or that a database cannot keep: a byte
    order mark, another encoding, NaN and Infinity, a duplicated key, a lone surrogate, nesting
    deeper than 32, trailing text, an array or a scalar.
    """
    text = body.decode("utf-8")
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and deeper_than(MAX_DEPTH, text):
        raise ValueError("nested too deep")
    value = DECODER.decode(text)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    if b"\\u" in body:
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # A lone surrogate cannot be encoded.
    return value


def deeper_than(limit: int, text: str) -> bool:
    """Tell whether the brackets of `text`, those in strings left aside, nest deeper than `limit`."""
    depth = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            if depth > limit:
                return True
        elif character in "]}":
            depth -= 1
    return False


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicated key")
    return result


def bounded_int(digits: str) -> int:
    """Read a whole number in bounded time: past 400 digits only that it is huge still matters."""
    return int(digits[:MAX_NUMBER_LENGTH])


def refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


DECODER = json.JSONDecoder(
    object_pairs_hook=unique_keys, parse_int=bounded_int, parse_constant=refuse_constant
)
