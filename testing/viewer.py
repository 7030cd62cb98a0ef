"""Somebody in front of Chromium: what they do and what they see."""

from collections.abc import Callable

from django.conf import settings
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

PATIENCE = 15
# Seconds: an open page promises changes within five, the rest is for a busy machine.
CHANGES_WITHIN = 8


class Viewer:
    def __init__(self, driver: Chrome, url: str) -> None:
        self.driver = driver
        self.url = url

    def be(self, session: str) -> None:
        """Become the user of this session."""
        self.driver.get(f"{self.url}/static/web/icon.svg")
        self.driver.add_cookie({"name": settings.SESSION_COOKIE_NAME, "value": session})

    def go(self, path: str) -> None:
        self.driver.get(self.url + path)

    def see(self, selector: str, text: str = "", *, within: float = PATIENCE) -> WebElement:
        """Wait for the first element of a CSS selector that holds `text`, and return it."""

        def found(driver: Chrome) -> WebElement | None:
            return next((one for one in self.all(selector) if text in one.text), None)

        element = WebDriverWait(self.driver, within, ignored_exceptions=[Exception]).until(
            found, f"{selector} with {text!r} in {self.driver.current_url}"
        )
        assert element is not None
        return element

    def wait(self, condition: Callable[[], bool], *, within: float = PATIENCE) -> None:
        WebDriverWait(self.driver, within, ignored_exceptions=[Exception]).until(lambda _driver: condition())

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def press(self, *keys: str) -> None:
        """Press keys wherever the focus is."""
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def rows(self) -> list[int]:
        """Return the ids of the queue's rows as they stand."""
        return [int((one.get_attribute("id") or "").removeprefix("incident-")) for one in self.all("li.row")]

    def top_of(self, selector: str) -> float:
        script = "return document.querySelector(arguments[0]).getBoundingClientRect().top"
        return float(self.driver.execute_script(script, selector))

    def moves_sideways(self) -> bool:
        script = "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
        return bool(self.driver.execute_script(script))

    def complaints(self) -> list[str]:
        """Return what the browser's console complains about, content policy included."""
        lines = [str(line["message"]) for line in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]
        # Chromium logs it as an error where it shows a page without the animation.
        return [line for line in lines if "Transition was aborted because of invalid state" not in line]
