"""Real Chromium on a real server. Where Chromium is not installed, these tests skip and say so."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.core.cache import cache
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

from testing.clients import new_client
from testing.viewer import Viewer
from users.models import User

CHROMIUM = shutil.which("chromium")
DRIVER = shutil.which("chromedriver")
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
DESKTOP = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}

Open = Callable[..., Viewer]


def start() -> Chrome:
    options = ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for argument in ARGUMENTS:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return Chrome(options=options, service=ChromeService(DRIVER))


def become(driver: Chrome, *, phone: bool, language: str, dark: bool, scripts: bool) -> None:
    """Turn a browser that somebody has used into another one, with nothing kept."""
    tell = driver.execute_cdp_cmd
    driver.get("about:blank")
    tell("Network.clearBrowserCookies", {})
    tell("Network.clearBrowserCache", {})
    tell("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": "service_workers,cache_storage"})
    tell("Emulation.setTimezoneOverride", {"timezoneId": ""})
    tell("Emulation.setDeviceMetricsOverride", PHONE if phone else DESKTOP)
    tell("Emulation.setTouchEmulationEnabled", {"enabled": phone})
    agent = str(tell("Browser.getVersion", {})["userAgent"])
    tell("Emulation.setUserAgentOverride", {"userAgent": agent, "acceptLanguage": language})
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    tell("Emulation.setEmulatedMedia", {"features": [scheme]})
    tell("Emulation.setScriptExecutionDisabled", {"value": not scripts})
    motion = {"type": "mouseMoved", "x": 0, "y": 0}
    tell("Input.dispatchMouseEvent", motion)
    driver.get_log("browser")  # type: ignore[no-untyped-call]


@pytest.fixture(scope="session")
def browsers() -> Iterator[list[Chrome]]:
    """Hold the browsers that nobody uses: to start one takes longer than most tests with it."""
    free: list[Chrome] = []
    yield free
    for driver in free:
        driver.quit()


@pytest.fixture
def open_page(live_server: LiveServer, transactional_db: None, browsers: list[Chrome]) -> Iterator[Open]:
    """Open Chromium as a user: on a desktop or a phone, in a language, light or dark, without scripts."""
    if not CHROMIUM or not DRIVER:
        pytest.skip("Chromium and its driver are not installed (Debian: chromium chromium-driver)")
    cache.clear()
    used: list[Chrome] = []

    def open_as(
        user: User | None,
        path: str = "/",
        *,
        phone: bool = False,
        language: str = "en",
        dark: bool = False,
        scripts: bool = True,
    ) -> Viewer:
        driver = browsers.pop() if browsers else start()
        used.append(driver)
        become(driver, phone=phone, language=language, dark=dark, scripts=scripts)
        viewer = Viewer(driver, live_server.url)
        viewer.go("/static/web/icon.svg")
        if scripts:
            driver.execute_script("sessionStorage.clear(); localStorage.clear()")
        if user is not None:
            viewer.be(session_of(user))
        viewer.go(path)
        return viewer

    yield open_as
    for driver in used:
        driver.get("about:blank")
    browsers += used


def session_of(user: User) -> str:
    client = new_client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value
