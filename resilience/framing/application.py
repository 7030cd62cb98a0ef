"""A WSGI application that records each request that it saw whole in the file SEEN, and echoes its target."""

import json
import os
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

SEEN = Path(os.environ.get("SEEN", os.devnull))
IGNORED = {"HTTP_TRANSFER_ENCODING"}  # A worker may decode a body before the application reads it.
TOO_LARGE = {"RequestDataTooBig", "BodyTooLarge"}  # raised by this project's worker, of now and of 1.0.0


class BodyIncomplete(Exception):
    """The client left before the end of its body."""


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    try:
        body = environ["wsgi.input"].read()
    except Exception as error:
        if type(error).__name__ not in TOO_LARGE:
            raise
        start_response("413 Content Too Large", [("Content-Length", "0")])
        return []
    length = environ.get("CONTENT_LENGTH")
    if length and "HTTP_TRANSFER_ENCODING" not in environ and len(body) < int(length):
        raise BodyIncomplete
    headers = sorted(
        f"{name}={value}"
        for name, value in environ.items()
        if name.startswith("HTTP_") and name not in IGNORED
    )
    target = environ["RAW_URI"]
    seen = [
        environ["REMOTE_ADDR"],
        environ["REQUEST_METHOD"],
        target,
        environ["SERVER_PROTOCOL"],
        len(body),
        zlib.crc32(body),
        zlib.crc32("\n".join(headers).encode("latin-1", "replace")),
    ]
    with SEEN.open("a") as file:
        file.write(json.dumps(seen) + "\n")
    content = f"saw {target}\n".encode("latin-1", "replace")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(content)))])
    return [content]
