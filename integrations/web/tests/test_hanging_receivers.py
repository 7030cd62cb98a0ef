"""Tests from the page against receivers that hang, on the real server: they hold no other client."""

import re
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

from testing.receiver import Answer, Received, listening
from testing.service import PASSWORD, Service, served

NUMBER = 16


class Browser:
    """An administrator's browser, as far as forms need one."""

    def __init__(self, service: Service) -> None:
        self.url = service.url
        self.opener = build_opener(HTTPCookieProcessor(CookieJar()))
        self.csrf = ""
        self.submit("/login/", username="admin", password=PASSWORD)

    def get(self, path: str) -> str:
        with self.opener.open(self.url + path, timeout=30) as response:
            text: str = response.read().decode()
        [self.csrf, *_more] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', text) or [self.csrf]
        return text

    def submit(self, path: str, **fields: str) -> str:
        self.get(path)
        body = urlencode({"csrfmiddlewaretoken": self.csrf, **fields}).encode()
        with self.opener.open(self.url + path, body, timeout=30) as response:
            return str(response.read().decode())


@contextmanager
def polled(browsers: list[Browser], paths: list[str]) -> Iterator[None]:
    """Poll for each result once a second, as open pages do."""
    stop = threading.Event()

    def poll(browser: Browser, path: str) -> None:
        while not stop.wait(1):
            browser.get(path)

    threads = [threading.Thread(target=poll, args=pair) for pair in zip(browsers, paths, strict=True)]
    for thread in threads:
        thread.start()
    yield
    stop.set()
    for thread in threads:
        thread.join()


def test_sixteen_tests_of_hanging_receivers_hold_nobody() -> None:
    release = threading.Event()

    def hang(_received: Received) -> Answer:
        release.wait(30)
        return Answer()

    with listening() as receiver, served(OUTBOUND_ALLOWED_NETWORKS="127.0.0.0/8") as service:
        receiver.answer = hang
        browser = Browser(service)
        for number in range(NUMBER):
            browser.submit(
                "/connections/destinations/new/webhook/",
                name=f"hook {number}",
                address=receiver.url,
                delay_minutes="0",
            )
        ids = [row["id"] for row in service.rows("SELECT id FROM outbound_destination")]
        pages = [f"/connections/destinations/{pk}/" for pk in ids]
        for page in pages:
            browser.submit(page + "test/")
        browsers = [Browser(service) for _page in pages[:4]] * (NUMBER // 4)
        deadline = time.monotonic() + 15
        while len(receiver.received) < NUMBER:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        seconds = []
        with polled(browsers, pages):
            ends = time.monotonic() + 8
            while time.monotonic() < ends:
                began = time.monotonic()
                assert service.send("GET", "/healthz").status == 200
                seconds.append(time.monotonic() - began)
                time.sleep(0.01)
        # A thread that waited for a receiver would hold others for seconds.
        assert statistics.quantiles(seconds, n=100)[98] < 0.5
        release.set()
