"""Private metaphors that do not come back: CONTRIBUTING.md, "Words"."""

import re
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
# What a word stood for, and what the field calls it.
WORDS = {
    r"\bcrew\b|\bon duty\b|\brelieve\b": "leader/followers",
    r"\bhouse\b|\bfloors? of\b|\bupstairs\b": "codebase, layer",
    r"\btorture\b": "resilience",
    r"\bshelf\b": "directory",
    r"\b(MOST|LONGEST|LARGEST|DEEPEST)_": "MAX_",
    r"\btally\b|\bkeep_up\b": "aggregate, catch_up",
    r"\bincidents[./](page|exchange|post|rest)\b": "incidents.web, incidents.transfer, incidents.api",
    r"\bwaiting room\b": "hashing queue",
}
# The names of client.py are promised, the history says what was, and this list has to name them.
LEFT_OUT = {
    "client.py",
    "tests.py",
    "CHANGELOG.md",
    "config/tests/test_words.py",
    "config/tests/test_client.py",
}


def tracked() -> list[Path]:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    return [
        ROOT / name
        for name in files.stdout.splitlines()
        if name.endswith((".py", ".md", ".js", ".css", ".html", ".toml", "Makefile")) and name not in LEFT_OUT
    ]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="the files are those that git tracks")
@pytest.mark.parametrize("words", WORDS)
def test_a_private_metaphor_does_not_come_back(words: str) -> None:
    pattern = re.compile(words)
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in tracked()
        if path.exists()
        for line in path.read_text(encoding="utf-8").splitlines()
        if pattern.search(line)
    ]
    assert not found, f"say {WORDS[words]}"
