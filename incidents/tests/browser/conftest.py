"""Real Chromium on a real server. Where Chromium is not installed, these tests skip and say so."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

from incidents.tests.browser.viewer import Viewer
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

Open = Callable[..., Viewer]


@pytest.fixture
def open_page(
    live_server: LiveServer, transactional_db: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Open]:
    """Open Chromium as a user: on a desktop or a phone, in a language, light or dark, without scripts."""
    if not CHROMIUM or not DRIVER:
        pytest.skip("Chromium and its driver are not installed (Debian: chromium chromium-driver)")
    cache.clear()
    with contextlib.ExitStack() as browsers:

        def open_as(
            user: User | None,
            path: str = "/",
            *,
            phone: bool = False,
            language: str = "en",
            dark: bool = False,
            scripts: bool = True,
        ) -> Viewer:
            options = ChromeOptions()
            options.binary_location = CHROMIUM
            size = (390, 844) if phone else (1280, 900)
            folder = tmp_path_factory.mktemp("chromium")
            for argument in (
                *ARGUMENTS,
                f"--user-data-dir={folder}",
                f"--lang={language}",
                f"--window-size={size[0]},{size[1]}",
            ):
                options.add_argument(argument)
            preferences: dict[str, Any] = {"intl.accept_languages": language}
            if not scripts:
                preferences["profile.managed_default_content_settings.javascript"] = 2
            options.add_experimental_option("prefs", preferences)
            options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
            if phone:
                metrics = {"width": size[0], "height": size[1], "pixelRatio": 1, "mobile": True}
                options.add_experimental_option("mobileEmulation", {"deviceMetrics": metrics})
            driver = Chrome(options=options, service=ChromeService(DRIVER))
            browsers.callback(shutil.rmtree, Path(folder), ignore_errors=True)
            browsers.callback(driver.quit)
            scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
            viewer = Viewer(driver, live_server.url)
            if user is not None:
                viewer.be(session_of(user))
            viewer.go(path)
            return viewer

        yield open_as


def session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value
