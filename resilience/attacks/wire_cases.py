from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from resilience.attacks import raw
from resilience.attacks.target import Target
from resilience.figures import Figure, milliseconds

SECONDS = 3.0
PROMPT = 1.0
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /incidents/create/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Case:
    """Bytes of a client, in packets, and the status that must come at once after so many responses."""

    name: str
    packets: tuple[bytes, ...]
    statuses: frozenset[str]
    before: int = 0


CASES = [
    Case(
        "Expect: 100-continue behind another request",
        (GET + POST + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n",),
        frozenset({"100"}),
        before=1,
    ),
    Case(
        "a chunk's size of 17 digits, 16 of them zeros",
        (CHUNKED + b"00000000000000002\r\n", b"{}\r\n0\r\n\r\n"),
        frozenset({"401", "400"}),
    ),
    Case("a malformed chunk in two packets", (CHUNKED + b"2\r\n{}z", b"z\r\n0\r\n\r\n"), frozenset({"400"})),
    Case("a malformed chunk's size in two packets", (CHUNKED, b"zz\r\n"), frozenset({"400"})),
    Case("HTTP/0.9", (b"GET /healthz\r\n",), frozenset({"400", "505"})),
    Case("HTTP/9.9 without the end of the head", (b"GET /healthz HTTP/9.9\r\n",), frozenset({"400", "505"})),
    Case("20 KB without an end of line", (b"GET /" + b"a" * 20_000,), frozenset({"400", "414"})),
    Case("HTTP/1.1 without Host", (b"GET /healthz HTTP/1.1\r\n\r\n",), frozenset({"400"})),
    Case("two Hosts", (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",), frozenset({"400"})),
    Case("a bare LF in the head", (b"GET /healthz HTTP/1.1\nHost: localhost\n\n",), frozenset({"400"})),
    Case(
        "CONNECT",
        (b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",),
        frozenset({"400", "404", "405"}),
    ),
]


def run(target: Target) -> list[Figure]:
    """Cases of the wire that must be answered at once, as stock gunicorn answers them or better."""
    with target.running() as service, ThreadPoolExecutor(len(CASES)) as pool:
        return list(pool.map(lambda case: figure(service.port, case), CASES))


def figure(port: int, case: Case) -> Figure:
    with raw.connect(port) as client:
        found, seconds = raw.conversation(client, case.packets, 1 + case.before, SECONDS)
    status = found[case.before] if len(found) > case.before else "no response"
    return Figure(
        "20",
        f"wire_cases: {case.name}",
        f"{' or '.join(sorted(case.statuses))} within {milliseconds(PROMPT)}",
        f"{status} after {milliseconds(seconds)}",
        status in case.statuses and seconds < PROMPT,
    )
