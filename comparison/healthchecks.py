import contextlib
import sqlite3
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Self
from urllib.parse import urlencode

from bench.http_client import FORM, HOST, Client, Request
from comparison.install import Installation
from comparison.product import NAME, PASSWORD, SECRET, Product, Row
from resilience.load import Dialect

FILLED = 100
VERDICTS = {b"Too many attempts": "refused", b"Incorrect email or password": "wrong"}

# Its own limit of 20 checks for an account is lifted, as the operator of one does.
PREPARE = f"""
from django.contrib.auth.models import User
from hc.accounts.models import Profile, Project
user = User.objects.create_user("admin", "{NAME}", "{PASSWORD}")
profile = Profile.objects.for_user(user)
profile.check_limit = 100_000_000
profile.save()
project = Project(owner=user, name="products", badge_key="badge")
key = project.set_api_key()
project.save()
print(key)
"""


class Unique:
    """Its own way to repeat a create: a check of that name is updated, and only made where there is none."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.update = product.update
        self.created_id = product.created_id

    def create(self, key: str, text: str) -> Request:
        body = {**self.product.body(key, text), "unique": ["name"]}
        return Request("POST", self.product.path, body, self.product.headers)


class Healthchecks(Product):
    application = "hc.wsgi:application"
    path = "/api/v3/checks/"
    id_name = "uuid"
    listing = "/api/v3/checks/"
    ready = "/api/v3/channels/"

    def __init__(self, installation: Installation, folder: Path) -> None:
        super().__init__(
            folder,
            installation.checkout,
            DEBUG="False",
            SECRET_KEY=SECRET,
            ALLOWED_HOSTS="*",
            REGISTRATION_OPEN="False",
        )
        self.file = folder / "hc.sqlite"
        self.settings |= {"DB_NAME": str(self.file), "SITE_ROOT": f"http://{HOST}:{self.port}"}
        self.programs = installation.healthchecks
        self.headers = {}

    @classmethod
    @contextlib.contextmanager
    def create_one(cls, installation: Installation, folder: Path) -> Iterator[Self]:
        yield cls(installation, folder)

    def prepare(self) -> None:
        self.run("python", "manage.py", "migrate", "--verbosity=0")
        key = self.run("python", "manage.py", "shell", "--verbosity=0", "--command", PREPARE)
        self.headers = {"X-Api-Key": key.strip()}

    def fill(self) -> None:
        for number in range(FILLED):
            self.send(self.create(f"c{number}", "Scooter offline, battery low, at the station"))

    def body(self, name: str, text: str) -> dict[str, object]:
        return {"name": name, "tags": "scooters", "desc": text, "timeout": 3600}

    def dialects(self) -> dict[str, Dialect]:
        return {"": self, "with `unique`": Unique(self)}

    def stored(self) -> list[Row]:
        with contextlib.closing(sqlite3.connect(self.file, timeout=30)) as database:
            rows = database.execute("SELECT name, code, desc FROM api_check").fetchall()
        return [(name, int(code.replace("-", ""), 16), text) for name, code, text in rows]

    def log_in(self, username: str, password: str) -> tuple[str, float]:
        form = self.login_form(username, password)
        with Client(self.port, timeout=60) as client:
            response = client.send(form)
        shown = (text for text in VERDICTS if text in response.body)
        verdict = "in" if response.status == 302 else VERDICTS.get(next(shown, b""), str(response))
        return verdict, response.seconds

    def login_form(self, username: str, password: str) -> Request:
        """Open the page and return its form, filled in."""
        with Client(self.port, timeout=60) as client:
            secret = SimpleCookie(client.get("/accounts/login/").headers["Set-Cookie"])["csrftoken"].value
        fields = {"action": "login", "email": username, "password": password}
        # Lone surrogates stand for bytes that are no UTF-8.
        form = urlencode({**fields, "csrfmiddlewaretoken": secret}, errors="surrogateescape")
        return Request(
            "POST", "/accounts/login/", form, {"Content-Type": FORM, "Cookie": f"csrftoken={secret}"}
        )

    def reset_login_limit(self) -> None:
        with contextlib.closing(sqlite3.connect(self.file, timeout=30)) as database, database:
            database.execute("DELETE FROM api_tokenbucket")
