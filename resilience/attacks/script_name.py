from resilience.attacks import proxies, raw
from resilience.attacks.target import Target
from resilience.figures import Figure

SECONDS = 10
NAMES = ("SCRIPT_NAME", "Script_Name", "SCRIPT-NAME", "PATH_INFO", "PATH-INFO")


def run(target: Target) -> list[Figure]:
    """The headers SCRIPT_NAME and PATH_INFO of a client, directly and past a proxy's rule on /admin*."""
    figures = []
    with target.running() as service:
        found = {
            name: raw.status(raw.exchange(service.port, raw.get("/healthz", {name: "/zz"}), SECONDS)[0])
            for name in NAMES
        }
        figures.append(
            Figure(
                "7",
                "script_name: GET /healthz with the header, directly",
                "200 (it is no header of ours), never 5xx",
                ", ".join(f"{name} {status}" for name, status in found.items()),
                set(found.values()) <= {"200", "400"},
            )
        )
        for proxy in proxies.PROXIES:
            if not proxies.installed(proxy):
                continue
            with proxies.in_front_of(service.port, proxy) as port:
                plain, _seconds = raw.exchange(port, raw.get("/admin/login/", {}), SECONDS)
                past = {name: past_the_rule(port, name) for name in NAMES}
            figures.append(
                Figure(
                    "7",
                    f"script_name: the administration past {proxy.name}'s rule on /admin*",
                    "403 without the header, 0 past it",
                    f"{raw.status(plain)} without, "
                    + ", ".join(f"{name} {status}" for name, status in past.items()),
                    raw.status(plain) == "403" and not any(is_past(status) for status in past.values()),
                )
            )
    return figures


def past_the_rule(port: int, name: str) -> str:
    value = "/x" if "SCRIPT" in name.upper() else "/admin/login/"
    received, _seconds = raw.exchange(port, raw.get("/x/admin/login/", {name: value}), SECONDS)
    status = raw.status(received)
    return f"{status} LET IN" if status == "200" and b"password" in received else status


def is_past(status: str) -> bool:
    return "LET IN" in status or status.startswith("5")
