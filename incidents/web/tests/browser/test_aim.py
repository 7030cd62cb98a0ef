"""Somebody aims at a button while incidents come in."""

import json
import random
import threading
import time
from typing import Any
from urllib.request import Request, urlopen

import pytest
from pytest_django.live_server_helper import LiveServer

from incidents.models import Incident, Status
from incidents.web.tests.browser.conftest import Open
from testing.clients import token_of
from testing.viewer import Viewer
from users.models import User

pytestmark = pytest.mark.browser
PRESSES = 100
A_SECOND = 50
LETTERS = str.maketrans("0123456789", "абвгдежзик")
# Lets in the rows that wait, as the key "." does.
LET_IN = "document.getElementById('waiting')?.click()"
# Notes when rows have moved, and which rows are pressed that have been where they are for longer than the
# page lets rows settle: a person has seen them there, and this test's press may come late.
WATCH = """
window.movedAt = 0;
window.seen = [];
window.clock = performance.now.bind(performance);
window.ahead = 0;
performance.now = () => window.clock() + window.ahead;
let last = null;
const watch = () => {
  const middle = (row) => row.getBoundingClientRect().bottom > innerHeight / 2;
  const inTheMiddle = [...document.querySelectorAll("li.row")].find(middle)?.id;
  if (inTheMiddle && inTheMiddle !== last) {
    window.movedAt = window.clock();
    document.dispatchEvent(new Event("moved"));
  }
  last = inTheMiddle ?? last;
  requestAnimationFrame(watch);
};
watch();
document.addEventListener("click", (event) => {
  const row = event.target.closest("li.row");
  // What is opened is not taken.
  if (event.target.closest("a")) event.preventDefault();
  if (row && window.clock() - window.movedAt > 600) window.seen.push(Number(row.id.split("-")[1]));
}, true);
"""
# Aims at the button of a row in view. With `news` the page then learns of what has come in, as if nobody had
# been near the list for a while, and the rows move just before the press: {id, x, y, moved}.
AIM = """
const [chance, news, done] = arguments;
const inView = (place) => place && place.top > 200 && place.bottom < innerHeight;
const rows = [...document.querySelectorAll("li.row:has(form button)")].filter(
  (row) => inView(row.querySelector("form button").getBoundingClientRect()));
const row = rows[Math.floor(chance * rows.length)];
if (!row) return done(null);
const place = row.querySelector("form button").getBoundingClientRect();
const aimed = {id: Number(row.id.split("-")[1]), x: place.x + place.width / 2, y: place.y + place.height / 2};
const finish = (moved) => done({...aimed, moved});
if (!news) return finish(false);
window.ahead += 5000;
document.addEventListener("moved", () => finish(true), {once: true});
setTimeout(() => finish(false), 2000);
document.dispatchEvent(new Event("visibilitychange"));
"""


class Reporter(threading.Thread):
    """Reports incidents over HTTP, `A_SECOND`, until it is stopped."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(daemon=True)
        self.url, self.token = url, token
        self.stopped = threading.Event()
        self.number = 0

    def stop(self) -> None:
        self.stopped.set()
        self.join()

    def run(self) -> None:
        started = time.monotonic()
        while not self.stopped.is_set():
            self.number += 1
            new = {
                "token": self.token,
                # Alike but for the number, they would be folded.
                "incident": f"Самокат {str(self.number).translate(LETTERS)} не в сети",
                "source": "monitoring",
            }
            call = Request(f"{self.url}/incidents/create/", json.dumps(new).encode(), method="POST")  # noqa: S310
            with urlopen(call, timeout=20):  # noqa: S310
                pass
            self.stopped.wait(started + self.number / A_SECOND - time.monotonic())


def aim(me: Viewer, chance: float, *, news: bool) -> dict[str, Any]:
    if news:
        me.driver.execute_script(LET_IN)
    me.wait(lambda: not me.all(".moving"))
    return me.driver.execute_async_script(AIM, chance, news) or aim(me, chance, news=True)


def press(me: Viewer, x: float, y: float) -> None:
    mouse = {"x": x, "y": y, "button": "left", "clickCount": 1}
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        me.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, **mouse})


def leave_the_list(me: Viewer) -> None:
    me.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": 5, "y": 5})


def test_of_a_hundred_presses_none_takes_what_was_not_aimed_at(
    live_server: LiveServer, open_page: Open, olga: User, rita: User, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(13)  # noqa: S311
    reporter = Reporter(live_server.url, token_of(rita))
    reporter.start()
    request.addfinalizer(reporter.stop)
    while Incident.objects.count() < 20:
        time.sleep(0.05)
    me = open_page(olga)
    me.driver.set_script_timeout(20)
    me.driver.execute_script(WATCH)
    aimed, moved = set(), 0
    for number in range(PRESSES):
        target = aim(me, chance.random(), news=number % 4 == 0)
        press(me, target["x"], target["y"])
        leave_the_list(me)
        aimed.add(target["id"])
        moved += target["moved"]
    me.wait(lambda: not me.all(".htmx-request"))
    reporter.stop()
    taken = set(Incident.objects.exclude(status=Status.OPEN).values_list("pk", flat=True))
    seen = set(me.driver.execute_script("return window.seen"))
    assert taken <= aimed | seen
    assert len(seen - aimed) < PRESSES / 10
    assert len(taken) > PRESSES / 4
    assert moved > PRESSES / 8
