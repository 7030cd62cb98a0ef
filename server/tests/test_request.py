"""Requests are understood alike however their bytes arrive."""

from typing import Any

import pytest
from gunicorn.config import Config
from hypothesis import given
from hypothesis import strategies as st

from server.request import MAX_HEAD, BodyTooLarge, RequestBuffer

LIMIT = 4096
CONFIG = Config()
HEAD = b"POST /path?query HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def understood(*parts: bytes) -> list[tuple[Any, ...]]:
    """Return method, target, length and body of each request, and what is wrong with the last one."""
    buffer = RequestBuffer(CONFIG, ("127.0.0.1", 1), LIMIT)
    found: list[tuple[Any, ...]] = []
    for part in parts:
        buffer.feed(part)
        while buffer.complete:
            try:
                request = buffer.take()
                found.append((request.method, request.uri, dict(request.headers).get("CONTENT-LENGTH")))
                found[-1] += (request.body.read(),)
            except Exception as error:  # noqa: BLE001
                return [*found, (type(error).__name__,)]
            if request.must_close:
                return found
    return found


def split(stream: bytes, cuts: list[int]) -> list[bytes]:
    ends = sorted({cut % (len(stream) + 1) for cut in cuts} | {len(stream)})
    return [stream[start:end] for start, end in zip([0, *ends], ends, strict=False)]


cuts = st.lists(st.integers(0, 10_000), max_size=12)
hex_size = st.text("0123456789abcdefABCDEF", min_size=1, max_size=17).map(str.encode)
extension = st.sampled_from([b"", b";a", b" ; a=b", b';a="b;c"', b";", b"x", b" "])


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    body = draw(st.binary(max_size=60))
    if draw(st.booleans()):
        return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    chunks = draw(st.lists(st.binary(min_size=1, max_size=20), max_size=5))
    framed = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return CHUNKED + framed + draw(st.sampled_from([b"0\r\n\r\n", b"000;a=b\r\nX-Trailer: 1\r\n\r\n"]))


@given(st.lists(requests(), min_size=1, max_size=4), cuts)
def test_good_requests_are_all_understood_however_they_are_split(
    streams: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(streams)
    whole = understood(stream)
    assert len(whole) == len(streams)
    assert understood(*split(stream, cuts)) == whole
    assert understood(*(bytes([byte]) for byte in stream)) == whole


@given(hex_size, extension, st.binary(max_size=100), cuts)
def test_every_chunk_size_means_the_same_however_it_is_split(
    size: bytes, extension: bytes, data: bytes, cuts: list[int]
) -> None:
    stream = CHUNKED + size + extension + b"\r\n" + data + b"\r\n0\r\n\r\n" + HEAD + b"\r\n"
    whole = understood(stream)
    assert understood(*split(stream, cuts)) == whole
    assert understood(*(bytes([byte]) for byte in stream)) == whole


@pytest.mark.parametrize("digits", range(1, 18))
def test_a_chunk_size_of_any_length_is_waited_for_and_its_data_refused(digits: int) -> None:
    for digit in (b"8", b"f", b"F"):
        stream = CHUNKED + digit * digits + b"\r\n" + b"x" * (LIMIT + 1)
        assert understood(stream)[-1] in [("BodyTooLarge",), ("ChunkMissingTerminator",)]
        assert understood(stream[: len(CHUNKED) + digits + 2]) == []


def test_a_length_of_thousands_of_digits_is_refused() -> None:
    assert understood(HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n") == [("ValueError",)]


def test_a_request_that_is_refused_ends_the_connection_and_states_a_length_over_the_limit() -> None:
    buffer = RequestBuffer(CONFIG, ("127.0.0.1", 1), LIMIT)
    assert buffer.feed(CHUNKED + b"fffff\r\n" + b"x" * (LIMIT + 1))
    request = buffer.take()
    assert request.must_close
    assert ("CONTENT-LENGTH", str(LIMIT + 1)) in request.headers
    for read in (request.body.read, request.body.readline, lambda: next(request.body)):
        with pytest.raises(BodyTooLarge):
            read()


def test_what_is_kept_of_a_request_is_bounded() -> None:
    buffer = RequestBuffer(CONFIG, ("127.0.0.1", 1), LIMIT)
    buffer.feed(HEAD)
    fields = 0
    while not buffer.complete:
        fields += 1
        buffer.feed(b"X-%d: %s\r\n" % (fields, b"x" * 1000))
    assert fields * 1000 < 2 * MAX_HEAD
    buffer = RequestBuffer(CONFIG, ("127.0.0.1", 1), LIMIT)
    buffer.feed(CHUNKED)
    while not buffer.complete:
        buffer.feed(b"1;" + b"x" * 1000 + b"\r\na\r\n")
    assert buffer.received < 100_000


def test_a_tunnel_is_never_taken_for_another_request() -> None:
    assert len(understood(b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n" + HEAD + b"\r\n")) == 1


def test_paths_below_a_prefix_have_a_limit_of_their_own() -> None:
    def buffer(path: bytes, length: int, sent: int) -> RequestBuffer:
        made = RequestBuffer(CONFIG, ("127.0.0.1", 1), LIMIT, limits_below={"/large/": 2 * LIMIT})
        made.feed(b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (path, length))
        made.feed(b"x" * sent)
        return made

    for path, limit in ((b"/large/a?b", 2 * LIMIT), (b"/large", LIMIT), (b"/other/large/", LIMIT)):
        assert len(buffer(path, limit, limit).take().body.read()) == limit
        refused = buffer(path, limit + 1, 0)
        assert refused.complete
        with pytest.raises(BodyTooLarge):
            refused.take().body.read()


def test_a_limit_of_one_path_does_not_outlive_its_request() -> None:
    buffer = RequestBuffer(CONFIG, ("127.0.0.1", 1), LIMIT, limits_below={"/large/": 2 * LIMIT})
    head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    buffer.feed(head % (b"/large/", LIMIT + 1) + b"x" * (LIMIT + 1) + head % (b"/path", LIMIT + 1))
    assert len(buffer.take().body.read()) == LIMIT + 1
    with pytest.raises(BodyTooLarge):
        buffer.take().body.read()
