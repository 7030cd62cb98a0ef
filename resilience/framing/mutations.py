"""What makes a request nearly valid or hostile. Each changes the message in place."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


@dataclass
class Message:
    """One request: its parts, and how they are put together."""

    method: bytes
    target: bytes
    version: bytes = b"HTTP/1.1"
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""  # as it goes out, chunks included
    separator: bytes = b": "
    end: bytes = b"\r\n"
    prefix: bytes = b""

    def __bytes__(self) -> bytes:
        lines = [b" ".join(filter(None, (self.method, self.target, self.version)))]
        lines += [name + self.separator + value for name, value in self.headers]
        return self.prefix + b"".join(line + self.end for line in lines) + self.end + self.body

    def without(self, *names: bytes) -> list[tuple[bytes, bytes]]:
        return [header for header in self.headers if header[0].lower() not in names]

    def reframe(self, *headers: tuple[bytes, bytes]) -> None:
        """Replace the headers that tell where the body ends."""
        self.headers = [*self.without(b"content-length", b"transfer-encoding"), *headers]


Mutation = Callable[[random.Random, Message], None]
CL, TE = b"Content-Length", b"Transfer-Encoding"


def content_length(rng: random.Random, message: Message) -> None:
    """A length in another form, a wrong one, or several."""
    size = len(message.body)
    forms = [
        b"%d, %d" % (size, size), b"+%d" % size, b"-%d" % size, b"0x%x" % size, b"%d " % size,
        b"\t%d" % size, b"%04d" % size, b"%d.0" % size, b"", b" ", b"1" + b"0" * 20, b"%d 1" % size, b"1_0",
        b"\xb2", b"%d;" % size, b"%d" % (size + rng.choice([-3, -1, 1, 5])), b"%d" % (size // 2),
        b"\x0b%d" % size, b'"%d"' % size, b"1e1",
    ]  # fmt: skip
    message.reframe((CL, rng.choice(forms)))


def two_lengths(rng: random.Random, message: Message) -> None:
    size = b"%d" % len(message.body)
    other = rng.choice([size, b"0", b"%d" % (len(message.body) + 2)])
    names = rng.choice([(CL, CL), (CL, b"content-length"), (CL, b"Content_Length"), (b"CONTENT-LENGTH", CL)])
    both = [(names[0], size), (names[1], other)]
    rng.shuffle(both)
    message.reframe(*both)


def transfer_encoding(rng: random.Random, message: Message) -> None:
    """A coding in another form, an unknown one, or several; the body is chunked, or not."""
    values = [
        b"chunked", b"Chunked", b"CHUNKED", b" chunked", b"chunked ", b"chunked,", b",chunked",
        b"chunked, chunked", b"identity", b"gzip, chunked", b"chunked, gzip", b"chunked, identity",
        b"identity, chunked", b"xchunked", b"x", b"chunked;q=1", b'"chunked"', b"", b"\x0bchunked",
        b"chunked\x00", b"\tchunked", b"chun ked", b"trailers, chunked",
    ]  # fmt: skip
    if rng.random() < 0.7:
        message.body = chunks(rng, message.body)
    message.reframe((TE, rng.choice(values)))
    if rng.random() < 0.3:
        message.headers.append((rng.choice([TE, b"transfer-encoding"]), rng.choice(values)))


def length_and_coding(rng: random.Random, message: Message) -> None:
    plain = message.body
    if rng.random() < 0.7:
        message.body = chunks(rng, plain)
    size = rng.choice([len(message.body), len(plain), 0, 3])
    coding = rng.choice([b"chunked", b"identity", b"Chunked", b"xchunked", b"chunked "])
    name = rng.choice(
        [TE, b"Transfer_Encoding", b"transfer-Encoding", b"Transfer-Encoding ", b" Transfer-Encoding"]
    )
    both = [(CL, b"%d" % size), (name, coding)]
    rng.shuffle(both)
    message.reframe(*both)


def chunk_size(rng: random.Random, message: Message) -> None:
    """A chunk's size of 1 to 17 digits, right or of another number, or in no form at all."""
    data = message.body or b"hello"
    right = b"%x" % len(data)
    sizes = [
        right.rjust(rng.randint(1, 17), b"0"), right.upper(), b"0x" + right, b"+" + right, b"-" + right,
        b" " + right, right + b" ", right + b"\t", b"", b"g", right + b"h", b"\x00" + right, right + b",",
        b"%d.0" % len(data), bytes(rng.choice(b"0123456789abcdefF") for _ in range(rng.randint(1, 17))),
        rng.choice([b"7", b"8", b"f", b"1"]) + rng.choice([b"0", b"f"]) * rng.randint(1, 16),
    ]  # fmt: skip
    message.body = (
        rng.choice(sizes) + rng.choice([b"\r\n"] * 4 + [b"\n", b"\r", b"\r\r\n"]) + data + b"\r\n0\r\n\r\n"
    )
    message.reframe((TE, b"chunked"))


def chunk_end(rng: random.Random, message: Message) -> None:
    """What stands behind a chunk, or behind the last one."""
    data = message.body or b"hello"
    end = rng.choice([b"", b"\n", b"\r", b"x\r\n", b"\r\n\r\n", b"\r\n", b"\r\n"])
    last = rng.choice([
        b"0\r\n\r\n", b"000\r\n\r\n", b"0\n\n", b"0\r\n\n", b"0\r\n", b"0\n\r\n", b"0" * 17 + b"\r\n\r\n",
        b"0 \r\n\r\n", b"0;x\r\n\r\n", b"-0\r\n\r\n", b"0\r\r\n\r\n", b"",
    ])  # fmt: skip
    message.body = b"%x\r\n" % len(data) + data + end + last
    message.reframe((TE, b"chunked"))


def chunk_extension(rng: random.Random, message: Message) -> None:
    data = message.body or b"hello"
    extension = rng.choice([
        b";a=b", b' ; a = "b c"', b";a", b";", b";;", b';a="x\r\ny"', b";a=\nb", b";a\x00",
        b";a=" + b"x" * 9000, b";\xff", b"; a=b\r", b";a\n", b' "x"', b";=b", b";a==b", b';a="\\"', b';a="',
    ])  # fmt: skip
    message.body = (
        b"%x" % len(data) + extension + b"\r\n" + data + b"\r\n0" + rng.choice([extension, b""]) + b"\r\n\r\n"
    )
    message.reframe((TE, b"chunked"))


def trailers(rng: random.Random, message: Message) -> None:
    data = message.body or b"hello"
    fields = rng.choice([
        b"X-Trailer: 1\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n",
        b"Host: other\r\n", b"no colon\r\n", b" folded\r\n", b"X: 1\n", b"X: \x00\r\n", b": x\r\n",
        b"X : 1\r\n", b"X: 1\r\n" * 120, b"X: " + b"y" * 9000 + b"\r\n", b"X: a\rb\r\n",
    ])  # fmt: skip
    message.body = b"%x\r\n" % len(data) + data + b"\r\n0\r\n" + fields + b"\r\n"
    message.reframe((TE, b"chunked"))


def line_ends(rng: random.Random, message: Message) -> None:
    message.end = rng.choice([b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n ", b"\x0b\r\n", b"\x85", b"\r\n\r\n"])


def header_value(rng: random.Random, message: Message) -> None:
    """Control characters, folded lines, bare line ends and bytes beyond ASCII in a value."""
    values = [
        b"a\r\n b", b"a\r\n\tb", b"a\nb", b"a\rb", b"a\x00b", b"a\x0bb", b"a\x7fb", b"\xe9\xff", b" a ",
        b"\ta\t", b"", b"a\r\nX-Other:b", b"a\n\r\n", b"a" * 8200, b"a\r\n\r\nb", b"a\r\n : b",
        b"a\n" + SMUGGLED, b"a\x1b", b"a\x85b",
    ]  # fmt: skip
    insert(rng, message, (b"X-Value", rng.choice(values)))


def header_name(rng: random.Random, message: Message) -> None:
    names = [
        b"X Value", b" X-Value", b"X-Value ", b"\tX", b"X\tValue", b"", b"X\x00", b"X\xe9", b"X(", b"X:Y",
        b"X_Value", b"X\r\nY", b"X\nY", b'X"Y', b"X/Y",
    ]  # fmt: skip
    insert(rng, message, (rng.choice(names), b"1"))


def no_colon(rng: random.Random, message: Message) -> None:
    message.headers.append((b"just a line", b"x"))
    message.separator = rng.choice([b"", b":", b" : ", b":\t", b" :"]) if rng.random() < 0.7 else b": "


def many_headers(rng: random.Random, message: Message) -> None:
    message.headers += [(b"X-%d" % number, b"1") for number in range(rng.choice([90, 99, 100, 101, 200]))]


def target(rng: random.Random, message: Message) -> None:
    plain = message.target
    message.target = rng.choice([
        b"http://localhost" + plain, b"HTTP://other:80" + plain, b"/" + plain, b"*", b"localhost:80",
        plain + b"#x", plain + b"%00", plain + b" x", plain + b"\tx", plain + b"\x00", plain + b"\xd1\x8f",
        b"", plain + b"?" + b"a" * 4200, b"http://", b"http:///x", b"//[::1", plain + b"?a=b&c;d", b"?x",
        b"x", plain + b"\x7f", plain + b'"<>\\^`{|}', plain + b"\r", b"http://[", b"https://a@b/c",
    ])  # fmt: skip


def method(rng: random.Random, message: Message) -> None:
    message.method = rng.choice([
        b"get", b"Get", b"BREW", b"M-SEARCH", b"G@T", b"", b"G ET", b"A" * 25, b"GET\x00", b"\xd0\x9f",
        b"CONNECT", b"TRACE", b"G", b"GE(T", b"OPTIONS", b"PRI", b"#GET", b"1234567890", b"X" * 5000,
    ])  # fmt: skip
    if message.method in {b"CONNECT", b"OPTIONS"} and rng.random() < 0.6:
        message.target = rng.choice([b"*", b"localhost:80", message.target])


def version(rng: random.Random, message: Message) -> None:
    message.version = rng.choice([
        b"HTTP/1.0", b"HTTP/0.9", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/9.9", b"http/1.1", b"HTTP/1.1 ",
        b" HTTP/1.1", b"HTTP/11", b"HTTP/1", b"HTTP/1.1x", b"", b"HTTP/01.1", b"HTTP/1.10", b"HTTP/-1.1",
        b"HTTP/1.1\t", b"HTTP/\xd9\xa1.1", b"ICY/1.1", b"HTTP/3.0",
    ])  # fmt: skip


def host(rng: random.Random, message: Message) -> None:
    hosts = [
        [], [b"a", b"b"], [b"localhost", b"localhost"], [b""], [b"a b"], [b"a,b"], [b"a\x00"], [b"a/b"],
        [b"[::1"], [b"localhost:x"], [b"\xff"],
    ]  # fmt: skip
    message.headers = [*message.without(b"host"), *((b"Host", value) for value in rng.choice(hosts))]


def hop_by_hop(rng: random.Random, message: Message) -> None:
    extra: list[list[tuple[bytes, bytes]]] = [
        [(b"Connection", b"close")], [(b"Connection", b"keep-alive")],
        [(b"Connection", b"Upgrade, close"), (b"Upgrade", b"h2c")],
        [(b"Connection", b"Upgrade, HTTP2-Settings"), (b"Upgrade", b"h2c"), (b"HTTP2-Settings", b"AAMA")],
        [(b"Connection", b"Content-Length")], [(b"Connection", b"Transfer-Encoding")],
        [(b"Expect", b"100-continue")], [(b"Expect", b"200-maybe")], [(b"Connection", b"CLOSE")],
        [(b"Connection", b"close, keep-alive")], [(b"TE", b"trailers")],
        [(b"Connection", b"keep-alive"), (b"Connection", b"close")],
        [(b"Expect", b"100-Continue"), (b"Expect", b"100-continue")], [(b"Keep-Alive", b"timeout=1")],
        [(b"Proxy-Connection", b"close")], [(b"SCRIPT_NAME", b"/x")], [(b"X-Forwarded-Proto", b"https")],
    ]  # fmt: skip
    message.headers += rng.choice(extra)
    if rng.random() < 0.2:
        message.version = b"HTTP/1.0"


def before(rng: random.Random, message: Message) -> None:
    message.prefix = rng.choice([
        b"\r\n", b"\r\n\r\n", b"\n", b"\n\n", b" ", b"\x00", b"\r", b"\xef\xbb\xbf", b"x\r\n", b"\r\n" * 20,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n", b"\x16\x03\x01\x02\x00",
    ])  # fmt: skip


def body_left_over(rng: random.Random, message: Message) -> None:
    """Bytes behind the body, or a body behind a head that has none."""
    message.body += rng.choice([SMUGGLED, b"\r\n", b"\n", b"x", b"0\r\n\r\n", b"\x00" * 10, b"GET "])


def damage(rng: random.Random, message: Message) -> None:
    """A few random bytes changed, left out or put in, anywhere."""
    data = bytearray(bytes(message))
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(data)) if data else 0
        new = bytes([rng.choice([0, 9, 10, 11, 13, 32, 44, 58, 59, 127, 255, rng.randrange(256)])])
        data[place : place + rng.randint(0, 1)] = new if rng.random() < 0.8 else b""
    message.prefix, message.method, message.target, message.version = bytes(data), b"", b"", b""
    message.headers, message.body, message.end = [], b"", b""


MUTATIONS: tuple[Mutation, ...] = (
    content_length, two_lengths, transfer_encoding, length_and_coding, chunk_size, chunk_end,
    chunk_extension, trailers, line_ends, header_value, header_name, no_colon, many_headers, target, method,
    version, host, hop_by_hop, before, body_left_over, damage,
)  # fmt: skip
# What stays valid more often than not.
MILD: tuple[Mutation, ...] = (
    content_length, transfer_encoding, chunk_size, chunk_extension, trailers, target, hop_by_hop,
    header_value, version,
)  # fmt: skip


def insert(rng: random.Random, message: Message, header: tuple[bytes, bytes]) -> None:
    message.headers.insert(rng.randint(0, len(message.headers)), header)


def chunks(rng: random.Random, body: bytes) -> bytes:
    """Return the body in valid chunks."""
    parts = b""
    while body:
        size = rng.randint(1, len(body))
        extension = rng.choice([b""] * 6 + [b";name=value", b';name="v"'])
        parts += rng.choice([b"%x", b"%X", b"0%x"]) % size + extension + b"\r\n" + body[:size] + b"\r\n"
        body = body[size:]
    return parts + b"0\r\n" + rng.choice([b""] * 6 + [b"X-Trailer: 1\r\n"]) + b"\r\n"
