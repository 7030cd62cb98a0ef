"""Random streams of HTTP/1.1, each reproducible from its seed and number."""

import random
from dataclasses import dataclass
from enum import Enum

from resilience.framing.mutations import CL, MILD, MUTATIONS, SMUGGLED, TE, Message, chunks

MAX_REQUESTS = 8
MAX_BYTEWISE = 1_500
CANARY = b"GET /canary HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
METHODS = (b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"HEAD", b"OPTIONS")


class Kind(Enum):
    VALID = "valid"
    NEARLY = "nearly valid"
    HOSTILE = "hostile"


@dataclass(frozen=True)
class Stream:
    seed: int
    number: int
    kind: Kind
    data: bytes
    cuts: tuple[int, ...]  # where it is cut into pieces; every byte: range(len(data))
    half_closed: bool  # the client closes its side behind the last byte
    expected: tuple[str, ...]  # the targets that must be seen, of a valid stream

    @property
    def address(self) -> str:
        """The address on loopback that it comes from, its own: by it the servers' records are told apart."""
        return f"127.{1 + self.number // 62_500 % 250}.{1 + self.number // 250 % 250}.{1 + self.number % 250}"

    def __str__(self) -> str:
        delivery = "byte by byte" if len(self.cuts) == len(self.data) else f"cut at {list(self.cuts)}"
        end = "half-closed" if self.half_closed else "open"
        return f"seed {self.seed}, stream {self.number}, {self.kind.value}, {delivery}, {end}: {self.data!r}"


def stream(seed: int, number: int) -> Stream:
    rng = random.Random(f"{seed} {number}")
    kind = rng.choices(list(Kind), weights=[4, 3, 3])[0]
    messages = [valid(rng, f"/{number}/{index}") for index in range(rng.randint(1, MAX_REQUESTS))]
    expected = [message.target.decode() for message in messages]
    if kind is Kind.NEARLY:
        rng.choice(MILD)(rng, rng.choice(messages))
    elif kind is Kind.HOSTILE:
        for _ in range(rng.randint(1, 3)):
            rng.choice(MUTATIONS)(rng, rng.choice(messages))
    data = b"".join(map(bytes, messages)) + CANARY
    return Stream(seed, number, kind, data, cuts(rng, len(data)), rng.random() < 0.3, (*expected, "/canary"))


def valid(rng: random.Random, target: str) -> Message:
    method = rng.choice(METHODS)
    path = target.encode() + rng.choice(
        [b"", b"?a=b", b"?a=%d0%b9&c", b"/%2e%2e/x", b"/" + b"x" * rng.randint(1, 300)]
    )
    message = Message(method, path, headers=[(rng.choice([b"Host", b"host", b"HOST"]), b"localhost")])
    for _ in range(rng.randint(0, 4)):
        name = b"X-" + bytes(rng.choice(b"abcdefgXYZ0123") for _ in range(rng.randint(1, 10)))
        message.headers.append(
            (name, rng.choice([b"", b"1", b"a, b", b'"quoted"', b"x" * rng.randint(1, 200)]))
        )
    if method in {b"POST", b"PUT", b"PATCH"} or rng.random() < 0.1:
        body = rng.choice(
            [b"", b"{}", SMUGGLED, rng.randbytes(rng.randint(1, 2000)), b"0\r\n\r\n", b"\r\n\r\n"]
        )
        if rng.random() < 0.5:
            message.body = chunks(rng, body)
            message.headers.append((TE, b"chunked"))
        else:
            message.body = body
            message.headers.append((CL, b"%d" % len(body)))
        rng.shuffle(message.headers)
    message.separator = rng.choice([b": "] * 4 + [b":", b":  ", b":\t"])
    return message


def cuts(rng: random.Random, length: int) -> tuple[int, ...]:
    match rng.randint(0, 3):
        case 0:
            return ()
        case 1 if length <= MAX_BYTEWISE:
            return tuple(range(length))
        case _:
            return tuple(sorted(rng.sample(range(1, length), k=min(rng.randint(1, 6), length - 1))))
