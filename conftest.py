"""What all tests share: the cast, the ways to call the service, a database as the service has it.

The cast: olga the operator, rita the reporter (a machine that only reports), vera the viewer, and the admin.
"""

from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client, override_settings
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker

from incidents import services
from incidents.models import Event, Incident, Source, Status
from incidents.services import NewIncident, Origin
from testing.clients import Post, Rest, new_client
from users.models import User
from users.roles import Role

# No deadline: a busy machine is no defect of the code.
hypothesis_settings.register_profile("suite", max_examples=40, deadline=None)
hypothesis_settings.load_profile("suite")

PASSWORD = "correct horse battery staple"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Escape lone surrogates of hostile texts in what was captured: pytest-xdist cannot send them."""
    report = yield
    report.sections = [
        (name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections
    ]
    return report


@pytest.fixture(scope="session", autouse=True)
def fast_and_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hash passwords fast, and keep the locks of this process apart from those of other test processes."""
    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        DATA_DIR=tmp_path_factory.mktemp("data"),
    ):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    tmp_path_factory: pytest.TempPathFactory, django_db_modify_db_settings_parallel_suffix: None
) -> None:
    """Keep the test database in a file as the service does; Django's own choice is memory."""
    database = settings.DATABASES["default"]
    if "sqlite" in database["ENGINE"]:
        name = str(tmp_path_factory.mktemp("database") / "tests.sqlite3")
        database.setdefault("TEST", {})["NAME"] = name
        connection.settings_dict["TEST"]["NAME"] = name


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA journal_mode=WAL")


@pytest.fixture
def olga(db: None) -> User:
    return User.objects.create_user("olga", password=PASSWORD, role=Role.OPERATOR)


@pytest.fixture
def rita(db: None) -> User:
    return User.objects.create_user("rita", password=PASSWORD, role=Role.REPORTER)


@pytest.fixture
def vera(db: None) -> User:
    return User.objects.create_user("vera", password=PASSWORD, role=Role.VIEWER)


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("admin", "admin@example.com", PASSWORD)


@pytest.fixture
def password() -> str:
    """Everybody's password."""
    return PASSWORD


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def rest() -> Rest:
    return Rest()


@pytest.fixture
def admin_browser(admin: User) -> Client:
    """A browser in which the admin is logged in and English is spoken."""
    browser = new_client(headers={"Accept-Language": "en"})
    browser.force_login(admin)
    return browser


@pytest.fixture
def incident(olga: User) -> Callable[..., Incident]:
    """Report an incident as olga does; a `status` other than open is set by her as well."""

    def report(
        description: str = "Самокат не в сети",
        *,
        source: Source = Source.OPERATOR,
        status: Status = Status.OPEN,
        **more: Any,
    ) -> Incident:
        origin = Origin(olga.pk, Event.Channel.POST)
        created = services.create(NewIncident(description, source, **more), origin)
        services.change(created.id, origin, status=status)
        return Incident.objects.get(pk=created.id)

    return report
