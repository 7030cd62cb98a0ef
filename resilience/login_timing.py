import itertools
import statistics

from common.progress import Progress
from resilience.figures import Figure, milliseconds
from resilience.password_guessing import client_from
from resilience.service import running


def run(*, each: int = 200) -> list[Figure]:
    """F10: the time of a failed login, with a known and an unknown name alternately."""
    seconds: dict[str, list[float]] = {"known": [], "unknown": []}
    # Each from an address of its own, below every limit.
    addresses = (f"10.{n // 65536}.{n // 256 % 256}.{n % 256}" for n in itertools.count())
    with running(TRUSTED_PROXIES="1") as service, Progress("Logins", 2 * each) as progress:
        for number in range(each + 1):
            for name, username in {"known": "admin", "unknown": f"nobody{number}"}.items():
                with client_from(service, next(addresses)) as client:
                    response = client.post(
                        "/users/authorization/", username=username, password="wrong 7 mice"
                    )
                assert response.status == 401, response
                if number:  # The first of each warms up.
                    seconds[name].append(response.seconds)
                progress.add(1)
    known, unknown = (statistics.median(values) for values in seconds.values())
    difference = abs(known - unknown) / unknown
    return [
        Figure(
            "F10",
            f"login time, known against unknown name, {each} each alternately: difference of medians",
            "< 5 %",
            f"{difference:.1%} ({milliseconds(known)} against {milliseconds(unknown)})",
            difference < 0.05,
        )
    ]
