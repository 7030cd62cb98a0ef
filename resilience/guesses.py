from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from threading import Barrier
from urllib.parse import urlencode

from resilience.figures import Figure
from resilience.service import PASSWORD, Service, running
from resilience.wire import Line, Request

LIMIT = 5

# A way in: tries a password, and tells whether it was looked at ("wrong", "in") or not ("refused").
Way = Callable[[Service, str, str, str], str]


def run(*, parallel: int = 40, rounds: int = 8) -> list[Figure]:
    """F8: guesses in parallel, through each way in and through all at once."""
    figures = []
    with running(TRUSTED_PROXIES="1") as service:
        ways: dict[str, list[Way]] = {"API": [api], "admin's form": [admin], "page's form": [page]}
        ways["all at once"] = [api, admin, page]
        for number, (name, through) in enumerate(ways.items()):
            address = f"10.0.8.{number}"
            verdicts = sum((volley(service, through, parallel, address) for _ in range(rounds)), Counter())
            looked_at = verdicts["wrong"] + verdicts["in"]
            right_here = through[0](service, "admin", PASSWORD, address)
            right_elsewhere = through[0](service, "admin", PASSWORD, f"10.0.9.{number}")
            figures.append(
                Figure(
                    "F8",
                    f"guesses past {LIMIT} with {parallel} in parallel, {rounds} times, {name}",
                    f"0; then the right password is {'refused'} here and let in elsewhere",
                    f"{max(0, looked_at - LIMIT)} ({looked_at} of {verdicts.total()} looked at); "
                    f"then the right password is {right_here} here and {right_elsewhere} elsewhere",
                    looked_at <= LIMIT and (right_here, right_elsewhere) == ("refused", "in"),
                )
            )
    return figures


def volley(service: Service, through: list[Way], parallel: int, address: str) -> Counter[str]:
    barrier = Barrier(parallel)

    def guess(number: int) -> str:
        way = through[number % len(through)]
        barrier.wait(30)
        return way(service, "admin", f"guess {number}", address)

    with ThreadPoolExecutor(parallel) as pool:
        return Counter(pool.map(guess, range(parallel)))


def api(service: Service, username: str, password: str, address: str) -> str:
    with line_from(service, address) as line:
        answer = line.post("/users/authorization/", username=username, password=password)
    return {200: "in", 401: "wrong", 429: "refused"}.get(answer.status, str(answer))


def admin(service: Service, username: str, password: str, address: str) -> str:
    return form(service, "/admin/login/", username, password, address)


def page(service: Service, username: str, password: str, address: str) -> str:
    return form(service, "/login/", username, password, address)


def form(service: Service, path: str, username: str, password: str, address: str) -> str:
    with line_from(service, address) as line:
        secret = SimpleCookie(line.get(path).headers["Set-Cookie"])["csrftoken"].value
        fields = {"username": username, "password": password, "csrfmiddlewaretoken": secret}
        answer = line.send(Request("POST", path, urlencode(fields), {"Cookie": f"csrftoken={secret}"}))
    if answer.status == 302:
        return "in"
    return "refused" if b"Too many attempts" in answer.body else "wrong"


def line_from(service: Service, address: str) -> Line:
    """A connection as a proxy would make it for a client at `address`."""
    return Line(service.port, timeout=60, headers={"X-Forwarded-For": address, "Accept-Language": "en"})
