from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from threading import Barrier
from urllib.parse import urlencode

from bench.http_client import FORM, Client, Request
from resilience.figures import Figure
from resilience.service import PASSWORD, Service, running

LIMIT = 5

# Tries a password; returns "in" or "wrong" if it was checked, "refused" if it was not.
Login = Callable[[Service, str, str, str], str]


def run(*, parallel: int = 40, rounds: int = 8) -> list[Figure]:
    """F8: parallel guesses by each login form and by all at once, past the limit."""
    figures = []
    with running(TRUSTED_PROXIES="1") as service:
        logins: dict[str, list[Login]] = {"API": [api], "admin's form": [admin], "page's form": [page]}
        logins["all at once"] = [api, admin, page]
        for number, (name, through) in enumerate(logins.items()):
            address = f"10.0.8.{number}"
            verdicts = sum((volley(service, through, parallel, address) for _ in range(rounds)), Counter())
            checked = verdicts["wrong"] + verdicts["in"]
            right_here = through[0](service, "admin", PASSWORD, address)
            right_elsewhere = through[0](service, "admin", PASSWORD, f"10.0.9.{number}")
            figures.append(
                Figure(
                    "F8",
                    f"guesses past {LIMIT} with {parallel} in parallel, {rounds} times, {name}",
                    f"0; then the right password is {'refused'} here and let in elsewhere",
                    f"{max(0, checked - LIMIT)} ({checked} of {verdicts.total()} checked); "
                    f"then the right password is {right_here} here and {right_elsewhere} elsewhere",
                    checked <= LIMIT and (right_here, right_elsewhere) == ("refused", "in"),
                )
            )
    return figures


def volley(service: Service, through: list[Login], parallel: int, address: str) -> Counter[str]:
    barrier = Barrier(parallel)

    def guess(number: int) -> str:
        login = through[number % len(through)]
        barrier.wait(30)
        return login(service, "admin", f"guess {number}", address)

    with ThreadPoolExecutor(parallel) as pool:
        return Counter(pool.map(guess, range(parallel)))


def api(service: Service, username: str, password: str, address: str) -> str:
    with client_from(service, address) as client:
        response = client.post("/users/authorization/", username=username, password=password)
    return {200: "in", 401: "wrong", 429: "refused"}.get(response.status, str(response))


def admin(service: Service, username: str, password: str, address: str) -> str:
    return form(service, "/admin/login/", username, password, address)


def page(service: Service, username: str, password: str, address: str) -> str:
    return form(service, "/login/", username, password, address)


def form(service: Service, path: str, username: str, password: str, address: str) -> str:
    with client_from(service, address) as client:
        secret = SimpleCookie(client.get(path).headers["Set-Cookie"])["csrftoken"].value
        fields = {"username": username, "password": password, "csrfmiddlewaretoken": secret}
        headers = {"Content-Type": FORM, "Cookie": f"csrftoken={secret}"}
        response = client.send(Request("POST", path, urlencode(fields), headers))
    if response.status == 302:
        return "in"
    return "refused" if b"Too many attempts" in response.body else "wrong"


def client_from(service: Service, address: str) -> Client:
    """Return a connection as a proxy would make it for a client at `address`."""
    return Client(service.port, timeout=60, headers={"X-Forwarded-For": address, "Accept-Language": "en"})
