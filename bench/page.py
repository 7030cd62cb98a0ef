"""What the operators' page costs: many open pages when nothing happens, and a year's statistics.

python -m bench.page
python -m bench.page --pages 200 --seconds 30 --rows 1000000
"""

import argparse
import http.client
import http.cookiejar
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path
from statistics import median

from bench import machine
from bench.fill import PASSWORD, USERNAME
from bench.servers import OURS, Scratch, Server, started

# As in incidents/web/static/web/news.js.
EVERY = 4.7
ASKED = 5
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
        print(machine.described(scratch.folder))
        with started(scratch, [OURS], options.rows) as [server]:
            share = idle(server, options.pages, options.seconds)
            print(f"{options.pages} open pages, nothing happens: {share:.1%} of a core")
            year(server)


def idle(server: Server, pages: int, seconds: int) -> float:
    """Let so many pages ask for news; return the share of one core that the workers need for it."""
    stopped = threading.Event()
    viewers = [
        threading.Thread(target=look, args=(server.port, number * EVERY / pages, stopped))
        for number in range(pages)
    ]
    for viewer in viewers:
        viewer.start()
    time.sleep(2 * EVERY)
    began, used = time.monotonic(), server.cpu_seconds()
    time.sleep(seconds)
    share = (server.cpu_seconds() - used) / (time.monotonic() - began)
    stopped.set()
    for viewer in viewers:
        viewer.join()
    return share


def look(port: int, late: float, stopped: threading.Event) -> None:
    """Ask for news as an open page does, over a connection that is kept."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    stopped.wait(late)
    while not stopped.is_set():
        connection.request("GET", "/news", headers={"Accept": "*/*", "Accept-Language": "ru,en;q=0.9"})
        answer = connection.getresponse()
        assert (answer.status, len(answer.read())) == (200, 16)
        stopped.wait(EVERY)
    connection.close()


def year(server: Server) -> None:
    """Ask for the statistics of a year that holds all incidents: while they are counted, and afterwards."""
    browser = logged_in(server)
    address = f"{server.url}/statistics/?since=2023-05-01&until=2024-04-30"
    began, used = time.monotonic(), server.cpu_seconds()
    while COUNTING in browser.open(address).read().decode():
        pass
    print(
        f"the events of {server.rows:,} incidents counted for the first time:"
        f" {time.monotonic() - began:.1f} s, {server.cpu_seconds() - used:.1f} s of them in the workers"
    )
    for name, path in (("page", address), ("CSV", address.replace("/?", ".csv?"))):
        taken = []
        for _ in range(ASKED):
            began = time.monotonic()
            browser.open(path).read()
            taken.append(time.monotonic() - began)
        print(
            f"{name} of a year of {server.rows:,} incidents: {median(taken):.2f} s, worst {max(taken):.2f} s"
        )


def logged_in(server: Server) -> urllib.request.OpenerDirector:
    cookies = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    browser.open(f"{server.url}/login/").read()
    [token] = [cookie.value for cookie in cookies if cookie.name == "csrftoken"]
    form = {"username": USERNAME, "password": PASSWORD, "csrfmiddlewaretoken": token}
    answer = browser.open(f"{server.url}/login/", urllib.parse.urlencode(form).encode())
    assert answer.url == f"{server.url}/", answer.url
    return browser


if __name__ == "__main__":
    main()
