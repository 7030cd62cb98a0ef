import pytest
from django.test import Client

from testing.clients import new_client
from users.models import User


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
