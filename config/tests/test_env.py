from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from config import env
from config.env import WrongSetting

NAME = "A_SETTING_OF_THE_TESTS"


def number() -> int:
    return env.number(NAME, default=7, min_value=1, max_value=100)


def flag() -> bool:
    return env.flag(NAME, default=True)


def text() -> str:
    return env.text(NAME, default="none")


def choice() -> str:
    return env.choice(NAME, default="a", choices=("a", "b"))


def csv() -> list[str]:
    return env.csv(NAME, default=["a"])


def secret() -> str:
    return env.secret(NAME, default=lambda: "made")


def time_zone() -> str:
    return env.time_zone(NAME, default="Europe/Moscow")


@pytest.mark.parametrize(
    ("reader", "default"),
    [
        (number, 7),
        (flag, True),
        (text, "none"),
        (choice, "a"),
        (csv, ["a"]),
        (secret, "made"),
        (time_zone, "Europe/Moscow"),
    ],
)
@pytest.mark.parametrize("value", [None, "", "  "])
def test_what_is_absent_or_empty_has_its_default(
    monkeypatch: pytest.MonkeyPatch, reader: Callable[[], Any], default: object, value: str | None
) -> None:
    monkeypatch.delenv(NAME, raising=False)
    if value is not None:
        monkeypatch.setenv(NAME, value)
    assert reader() == default


@pytest.mark.parametrize(
    ("reader", "value", "result"),
    [
        (number, "1", 1),
        (number, " 100 ", 100),
        (text, "  two words ", "two words"),
        (choice, "b", "b"),
        (csv, "a", ["a"]),
        (csv, " a , b,,c ", ["a", "b", "c"]),
        (csv, ",", ["a"]),
        (secret, " s3cret ", "s3cret"),
        (time_zone, "UTC", "UTC"),
        (time_zone, "Asia/Tokyo", "Asia/Tokyo"),
        *((flag, word, True) for word in ("1", "true", "True", "YES", "on")),
        *((flag, word, False) for word in ("0", "false", "False", "NO", "off")),
    ],
)
def test_it_reads(
    monkeypatch: pytest.MonkeyPatch, reader: Callable[[], Any], value: str, result: object
) -> None:
    monkeypatch.setenv(NAME, value)
    assert reader() == result


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        (number, "0"),
        (number, "101"),
        (number, "-1"),
        (number, "1.5"),
        (number, "one"),
        (number, "9" * 5000),
        (flag, "maybe"),
        (flag, "2"),
        (choice, "c"),
        (choice, "A"),
        (time_zone, "Mars/Olympus"),
        (time_zone, "../../etc/passwd"),
        (time_zone, "Europe"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line_that_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, reader: Callable[[], Any], value: str
) -> None:
    monkeypatch.setenv(NAME, value)
    with pytest.raises(WrongSetting) as api_error:
        reader()
    assert NAME in str(api_error.value)
    assert "\n" not in str(api_error.value)


def test_a_secret_is_read_from_the_file_that_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "secret"
    path.write_text("  пароль 1\n", encoding="utf-8")
    monkeypatch.setenv(f"{NAME}_FILE", str(path))
    assert secret() == "пароль 1"


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
def test_a_secret_file_that_is_missing_empty_or_no_text_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv(f"{NAME}_FILE", str(path))
    with pytest.raises(WrongSetting, match=f"{NAME}_FILE"):
        secret()


def test_a_secret_given_twice_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("from the file")
    monkeypatch.setenv(NAME, "from the environment")
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "secret"))
    with pytest.raises(WrongSetting, match=NAME) as api_error:
        secret()
    assert "from the" not in str(api_error.value)


def test_the_env_file_fills_in_what_the_environment_lacks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / ".env"
    path.write_text('# comment\nA_OF_TESTS="from the file"\nB_OF_TESTS=from the file\n', encoding="utf-8")
    with mock.patch.dict("os.environ", B_OF_TESTS="from the environment"):
        env.load(path)
        assert env.text("A_OF_TESTS") == "from the file"
        assert env.text("B_OF_TESTS") == "from the environment"


def test_without_an_env_file_nothing_happens(tmp_path: Path) -> None:
    env.load(tmp_path / ".env")


def test_a_value_of_env_is_what_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(NAME, "")
    monkeypatch.delenv(NAME)
    (tmp_path / ".env").write_text(f"{NAME}=a${{HOME}}$b\n")
    env.load(tmp_path / ".env")
    assert env.secret(NAME) == "a${HOME}$b"
