"""The READMEs tell the truth: their examples are run here, their tables are held against the code."""

import ast
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import get_commands
from pytest_django.live_server_helper import LiveServer

import client
from incidents.api.post import vocabulary
from incidents.models import Status
from testing.clients import token_of
from users.models import User

PROJECT = Path(settings.BASE_DIR)
READMES = ["README.md", "README.ru.md"]
DOCUMENTS = sorted(path for path in [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")])
ADDRESS = "http://127.0.0.1:8000"
# What differs from run to run: only its shape is compared.
VOLATILE = {"id", "token", "expires_at", "created_at", "updated_at", "last_seen_at", "at", "next"}
THIRD_ID = '"id": 3'
END_OF_ANSWER = "\x1e"


def text_of(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def blocks(readme: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text_of(readme), re.MULTILINE | re.DOTALL)


def table(readme: str, first_row: str) -> dict[str, list[str]]:
    """Return the table that has the row `first_row`: the cells of each row by its first cell."""
    paragraphs = text_of(readme).split("\n\n")
    [rows] = [part.splitlines()[2:] for part in paragraphs if f"\n| {first_row} |" in part]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {first: rest for first, *rest in cells}


# ------------------------------------------------------------------ the examples


def examples(readme: str) -> Iterator[tuple[str, str]]:
    """Yield the commands of the console blocks, each with the answer below it."""
    for block in blocks(readme, "console"):
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _newline, answer = example.partition("\n")
            while command.endswith("\\") or command.count("'") % 2:
                line, _newline, answer = answer.partition("\n")
                command += f"\n{line}"
            yield command, answer


def shape(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: shape(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    if name not in VOLATILE or value is None:
        return value
    return re.sub(r"[\w-]", "0", value) if isinstance(value, str) else type(value).__name__


def shown(answer: str) -> str:
    """Return an answer as it is compared: the order of its keys counts, its line breaks do not."""
    try:
        return json.dumps(shape(json.loads(answer)), ensure_ascii=False, indent=1)
    except ValueError:
        return answer.strip()


@pytest.mark.django_db(transaction=True, reset_sequences=True)  # the examples name incidents 1 and 2
@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not on this machine")
@pytest.mark.parametrize("readme", READMES)
def test_its_examples_answer_as_it_says(readme: str, live_server: LiveServer, tmp_path: Path) -> None:
    admin = User.objects.create_superuser("admin", "admin@example.com", "complexpassword")
    written = [(command, answer) for command, answer in examples(readme) if not command.startswith("TOKEN=")]
    (tmp_path / ".curlrc").write_text("silent\nshow-error\n")
    # PostgreSQL's sequence does not give back the ids of creates that found an incident with their key.
    newest = (
        f'curl {live_server.url}/incidents/get_all/ -d \'{{"token": "\'$TOKEN\'", "limit": 1}}\''
        " | grep -o '\"id\":[0-9]*' | head -n 1 | cut -d: -f2"
    )
    third = f"\"id\": '$({newest})'"
    script = "".join(
        f"{command.replace(ADDRESS, live_server.url).replace(THIRD_ID, third)}\nprintf '{END_OF_ANSWER}'\n"
        for command, _ in written
    )
    run = subprocess.run(
        ["/bin/sh", "-c", script],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TOKEN": token_of(admin)},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    given = run.stdout.split(END_OF_ANSWER)[:-1]
    assert len(written) > 10
    for (command, answer), real in zip(written, given, strict=True):
        assert shown(real) == shown(answer), f"{command}\n{run.stderr}"


def commands(readme: str) -> list[str]:
    return [line for block in blocks(readme, "sh") for line in block.splitlines()]


@pytest.mark.parametrize("readme", READMES)
def test_its_commands_are_there(readme: str) -> None:
    targets = re.findall(r"^([a-z-]+):.*##", text_of("Makefile"), re.MULTILINE)
    known = {"make": set(targets), "client.py": {"demo"}, "manage.py": set(get_commands())}
    for command in commands(readme):
        words = re.sub(r"^([A-Z_]+=\S* )+", "", command).split()
        for program in known.keys() & set(words):
            assert words[words.index(program) + 1] in known[program], command
        assert {*known, "docker", "tests.py"} & set(words), f"what is {command}?"
    # The client's own words, from the sentence that names them.
    [named] = re.findall(r"`python3 client\.py --help`[^:]*: ([a-z, ]+)\.", text_of(readme))
    help_text = client.command_line().format_help()
    assert all(f"    {word} " in help_text for word in named.split(", "))


# ------------------------------------------------------------------ the tables


def settings_read() -> dict[str, str | None]:
    """Return the names that the code asks config.env for, each with its default, None if it is computed."""
    found: dict[str, str | None] = {}
    for source in PROJECT.glob("config/*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="env")), args=[ast.Constant(value=str(name))]
                ):
                    found[name] = default_of(node)
    return found


def default_of(call: ast.Call) -> str | None:
    match [keyword.value for keyword in call.keywords if keyword.arg == "default"]:
        case [ast.Constant(value=bool(flag))]:
            return str(flag).lower()
        case [ast.Constant(value=value)]:
            return str(value)
        case _:
            return None


READ = settings_read() | {"DATA_DIR": "./data", "MAX_BODY_BYTES": str(settings.MAX_BODY_BYTES)}
SECRETS = set(re.findall(r'env\.secret\("(\w+)"', text_of("config/settings.py")))


@pytest.mark.parametrize("readme", READMES)
def test_its_settings_are_those_of_the_code(readme: str) -> None:
    documented = {name: cells[0] for name, cells in table(readme, "HOST").items()}
    assert documented.keys() == READ.keys()
    literal = {name: f"`{default}`" for name, default in READ.items() if default is not None}
    assert {name: documented[name] for name in literal} == literal
    assert not any("`" in documented[name] for name in READ.keys() - literal.keys())


@pytest.mark.parametrize("document", [*READMES, ".env.example"])
def test_its_secrets_are_those_of_the_code(document: str) -> None:
    assert {name.removesuffix("_FILE") for name in re.findall(r"\w+_FILE", text_of(document))} == SECRETS


def test_the_example_of_env_has_every_setting_with_its_default() -> None:
    documented = dict(re.findall(r"^#(\w+)=(.*)$", text_of(".env.example"), re.MULTILINE))
    assert documented == {name: default or "" for name, default in READ.items()}


@pytest.mark.parametrize("readme", READMES)
def test_its_words_are_those_of_the_lens(readme: str) -> None:
    written = {status: word for word, status in vocabulary.POST_TO_STORED_STATUS.items()}
    documented = {stored: cells[1:] for stored, cells in table(readme, "open").items()}
    assert documented == {
        status.value: [vocabulary.STORED_TO_POST_STATUS[status], written.get(status, "-")]
        for status in Status
    }


# ------------------------------------------------------------------ what holds them together


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_its_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8"))
    missing = [link for link in links if not (document.parent / link).exists()]
    assert not missing


def test_every_dependency_has_its_reason() -> None:
    wanted = {
        re.split(r"[\[<>=;\s]", line)[0]
        for name in ("requirements.in", "requirements-dev.in")
        for line in text_of(name).splitlines()
        if re.match(r"\w", line)
    }
    given = set(
        re.findall(r"^\| `([\w.-]+)` \|", text_of("docs/decisions/0002-dependencies.md"), re.MULTILINE)
    )
    assert given == wanted
