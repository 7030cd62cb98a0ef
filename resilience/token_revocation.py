from bench.http_client import Client
from resilience.figures import Figure
from resilience.service import PASSWORD, Service, running

CALLS = 20  # each on a connection of its own, so that both workers are asked

MAKE = "from users.models import User; User.objects.create_user('alice', password={password!r})"
ENDS = {
    "password change": "u = User.objects.get(username='alice'); u.set_password('9 more cats'); u.save()",
    "deactivation": "User.objects.filter(username='alice').update(is_active=False)",
    "deletion": "User.objects.get(username='alice').delete()",
    "logout": "",
}


def run() -> list[Figure]:
    """F9: a token after password change, deactivation, deletion and logout."""
    figures = []
    with running() as service:
        for end, code in ENDS.items():
            service.manage(
                "shell", "-c", "from users.models import User; User.objects.filter(username='alice').delete()"
            )
            service.manage("shell", "-c", MAKE.format(password=PASSWORD))
            token = service.login("alice")
            before = calls(service, token)
            if code:
                service.manage("shell", "-c", f"from users.models import User; {code}")
            else:
                with Client(service.port) as client:
                    client.post("/users/logout/", token=token)
            after = calls(service, token)
            figures.append(
                Figure(
                    "F9",
                    f"token dead after {end}",
                    f"{CALLS} of {CALLS} calls live before, 0 after",
                    f"{before} before, {after} after",
                    (before, after) == (CALLS, 0),
                )
            )
    return figures


def calls(service: Service, token: str) -> int:
    """Call both dialects; return how many of the calls were let through."""
    let_through = 0
    for number in range(CALLS):
        with Client(service.port) as client:
            if number % 2:
                response = client.post("/incidents/update/", token=token, id=1, status="new")
            else:
                response = client.get("/api/incidents/?page_size=1", Authorization=f"Bearer {token}")
        assert response.status in {200, 404, 401}, response
        let_through += response.status != 401
    return let_through
