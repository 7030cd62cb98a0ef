"""Users with every right, their sessions and tokens, made without a login form."""

import json
from dataclasses import dataclass

from bench.http_client import Client
from resilience.service import PASSWORD, Service

MAKE = """
import json
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.test import Client
password = make_password({password!r})
cookies = dict()
for name in {names!r}:
    user = get_user_model()(username=name, password=password, is_staff=True, is_superuser=True)
    user.save()
    client = Client()
    client.force_login(user)
    cookies[name] = "; ".join(f"{{key}}={{morsel.value}}" for key, morsel in client.cookies.items())
print(json.dumps(cookies))
"""


@dataclass(frozen=True)
class Account:
    name: str
    cookie: str

    @property
    def session(self) -> dict[str, str]:
        """The headers of its browser."""
        return {"Cookie": self.cookie, "Accept-Language": "en"}


def make_accounts(service: Service, count: int) -> list[Account]:
    names = [f"mallory{number}" for number in range(count)]
    printed = service.manage("shell", "-c", MAKE.format(password=PASSWORD, names=names))
    cookies = json.loads(printed.strip().splitlines()[-1])
    return [Account(name, cookies[name]) for name in names]


def tokens(service: Service, accounts: list[Account]) -> list[str]:
    return [service.login(account.name) for account in accounts]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def create(service: Service, token: str, text: str) -> int:
    """Create an incident and return its id."""
    with Client(service.port, timeout=60) as client:
        response = client.post("/incidents/create/", token=token, incident=text, source="operator")
    assert response.status == 201, response
    return int(response.data["data"]["id"])
