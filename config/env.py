"""Typed readers of the environment and the .env file.

    PORT = env.number("PORT", default=8000, min_value=1, max_value=65535)

A variable that is absent or empty has its default. A wrong value raises `WrongSetting`, whose text
is the one line that an administrator needs. The environment wins over .env.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured
from dotenv import load_dotenv

TRUE_WORDS = {"1", "true", "yes", "on"}
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
MAX_DURATIONS = 2
FALSE_WORDS = {"0", "false", "no", "off"}


class WrongSetting(ImproperlyConfigured):
    """A setting whose value cannot be used: which one, and why."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"Setting {name} is wrong: {why}")


def load(path: Path) -> None:
    """Add the variables of the .env file at `path`, if there is one, to the environment."""
    # A password may have a `$`: what is written is what is meant.
    load_dotenv(path, override=False, interpolate=False)


def text(name: str, *, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def choice(name: str, *, default: str, choices: tuple[str, ...]) -> str:
    value = text(name, default=default)
    if value not in choices:
        raise WrongSetting(name, f"{value!r} is none of {', '.join(choices)}")
    return value


def flag(name: str, *, default: bool) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value in TRUE_WORDS:
        return True
    if value in FALSE_WORDS:
        return False
    raise WrongSetting(name, f"{value!r} is neither true nor false")


def number(name: str, *, default: int, min_value: int, max_value: int) -> int:
    value = text(name, default=str(default))
    try:
        result = int(value)
    except ValueError:
        raise WrongSetting(name, f"{value!r} is not a whole number") from None
    if not min_value <= result <= max_value:
        raise WrongSetting(name, f"{result} is not between {min_value} and {max_value}")
    return result


def time_zone(name: str, *, default: str) -> str:
    value = text(name, default=default)
    try:
        ZoneInfo(value)
    except (ValueError, KeyError, OSError):
        raise WrongSetting(name, f"{value!r} is no time zone, write it as Europe/Moscow") from None
    return value


def csv(name: str, *, default: list[str]) -> list[str]:
    """Read values separated by commas."""
    return [value.strip() for value in text(name).split(",") if value.strip()] or default


def durations(name: str, *, default: str) -> tuple[int, ...]:
    """Read up to two durations as `15m,1h`, the shorter first, in seconds; `0` is none."""
    given = text(name, default=default)
    if given == "0":
        return ()
    found = [re.fullmatch(r"([1-9]\d{0,3})([smhd])", part.strip()) for part in given.split(",")]
    seconds = tuple(int(one[1]) * SECONDS[one[2]] for one in found if one)
    if len(seconds) < len(found) or len(seconds) > MAX_DURATIONS or sorted(set(seconds)) != list(seconds):
        raise WrongSetting(name, f"{given!r} is not of the form 15m,1h, the shorter first; 0 turns it off")
    return seconds


def text_links(name: str) -> list[tuple[re.Pattern[str], str]]:
    r"""Read a rule a line: `pattern -> URL`, where the URL may have the pattern's groups as `\1`."""
    rules = []
    for line in filter(None, map(str.strip, text(name).splitlines())):
        pattern, arrow, url = map(str.strip, line.rpartition(" -> "))
        if not arrow or not url.startswith(("https://", "http://", "/")):
            raise WrongSetting(name, f"{line!r} is not of the form: pattern -> https://...")
        try:
            rule = re.compile(pattern, re.IGNORECASE)
        except re.error as error:
            raise WrongSetting(name, f"{pattern!r} is no regular expression: {error}") from None
        groups = max(map(int, re.findall(r"\\([1-9])", url)), default=0)
        if groups > rule.groups or rule.match(""):
            raise WrongSetting(name, f"{pattern!r} has no group {groups}, or matches an empty text")
        rules.append((rule, url))
    return rules


def secret(name: str, *, default: Callable[[], str] = str) -> str:
    """Read a secret from the variable NAME, or from the file that NAME_FILE names."""
    file = text(f"{name}_FILE")
    if not file:
        return text(name) or default()
    if text(name):
        raise WrongSetting(name, f"both {name} and {name}_FILE are set, keep one")
    try:
        value = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongSetting(f"{name}_FILE", f"cannot read {file}: {error}") from None
    if not value:
        raise WrongSetting(f"{name}_FILE", f"{file} is empty")
    return value
