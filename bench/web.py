"""What the operators' page costs: many open pages while nothing happens, and the statistics of a year.

python -m bench.web
python -m bench.web --pages 200 --seconds 30 --rows 1000000
"""

import argparse
import http.cookiejar
import re
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path
from statistics import median

from bench import machine
from bench.http_client import Client
from bench.servers import OURS, Scratch, Server, started
from bench.workloads import PASSWORD, USERNAME

# As in incidents/web/static/web/changes.js.
POLL_SECONDS = 4.7
REQUESTS = 5
COUNTING = "<progress"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="incidents-bench-") as folder:
        scratch = Scratch(Path(folder))
        print(machine.describe(scratch.folder))
        with started(scratch, [OURS], options.rows) as [server]:
            browser = logged_in(server)
            share = idle_share(server, change_token(server, browser), options.pages, options.seconds)
            print(f"{options.pages} open pages, nothing happens: {share:.1%} of a core")
            measure_statistics(server, browser)


def idle_share(server: Server, token: str, pages: int, seconds: int) -> float:
    """Let so many pages poll; return the share of one core that the workers need for it."""
    stopped = threading.Event()
    viewers = [
        threading.Thread(target=poll, args=(server.port, token, number * POLL_SECONDS / pages, stopped))
        for number in range(pages)
    ]
    for viewer in viewers:
        viewer.start()
    time.sleep(2 * POLL_SECONDS)
    began, used = time.monotonic(), server.cpu_seconds()
    time.sleep(seconds)
    share = (server.cpu_seconds() - used) / (time.monotonic() - began)
    stopped.set()
    for viewer in viewers:
        viewer.join()
    return share


def poll(port: int, token: str, delay: float, stopped: threading.Event) -> None:
    """Ask whether the change token is still the current one as an open page does, over one connection."""
    stopped.wait(delay)
    with Client(port) as client:
        while not stopped.is_set():
            response = client.get(f"/news?token={token}", Accept="*/*", **{"Accept-Language": "ru,en;q=0.9"})
            assert response.status == 204
            stopped.wait(POLL_SECONDS)


def measure_statistics(server: Server, browser: urllib.request.OpenerDirector) -> None:
    """Ask for the statistics of a year that holds all incidents, while they are counted and afterwards."""
    address = f"{server.url}/statistics/?since=2023-05-01&until=2024-04-30"
    began, used = time.monotonic(), server.cpu_seconds()
    while COUNTING in browser.open(address).read().decode():
        pass
    print(
        f"the events of {server.rows:,} incidents counted for the first time:"
        f" {time.monotonic() - began:.1f} s, {server.cpu_seconds() - used:.1f} s of them in the workers"
    )
    for name, path in (("page", address), ("CSV", address.replace("/?", ".csv?"))):
        seconds = []
        for _ in range(REQUESTS):
            began = time.monotonic()
            browser.open(path).read()
            seconds.append(time.monotonic() - began)
        print(
            f"{name} of a year of {server.rows:,} incidents:"
            f" {median(seconds):.2f} s, worst {max(seconds):.2f} s"
        )


def change_token(server: Server, browser: urllib.request.OpenerDirector) -> str:
    [token] = re.findall(r'data-change-token="(\w+)"', browser.open(server.url).read().decode())
    return str(token)


def logged_in(server: Server) -> urllib.request.OpenerDirector:
    cookies = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    browser.open(f"{server.url}/login/").read()
    [token] = [cookie.value for cookie in cookies if cookie.name == "csrftoken"]
    form = {"username": USERNAME, "password": PASSWORD, "csrfmiddlewaretoken": token}
    response = browser.open(f"{server.url}/login/", urllib.parse.urlencode(form).encode())
    assert response.url == f"{server.url}/", response.url
    return browser


if __name__ == "__main__":
    main()
