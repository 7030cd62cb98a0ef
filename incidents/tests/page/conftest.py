from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client

from config.tests.callers import new_client
from users.models import User


@pytest.fixture(autouse=True)
def counts_begin_anew() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def english_browser(user: User) -> Client:
    browser = new_client(headers={"Accept-Language": "en"})
    browser.force_login(user)
    return browser


@pytest.fixture
def as_olga(olga: User) -> Client:
    return english_browser(olga)


@pytest.fixture
def as_rita(rita: User) -> Client:
    return english_browser(rita)


@pytest.fixture
def as_vera(vera: User) -> Client:
    return english_browser(vera)
