"""Every text that people read can be read in Russian too."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings
from django.utils import translation
from django.utils.translation.template import templatize

MANY = 5
NAMES = {"POST API", "REST API"}  # the same in both
PACKAGES = ("common", "config", "users", "incidents", "integrations")
RUSSIAN: dict[str, Callable[..., str]] = {
    "_": translation.gettext,
    "gettext": translation.gettext,
    "gettext_noop": translation.gettext,
    "ngettext": lambda one, many: translation.ngettext(one, many, MANY),
    "pgettext": translation.pgettext,
}


def sources() -> Iterator[tuple[Path, str]]:
    """Yield each module's code, and of each template the calls that stand for its tags."""
    for package in PACKAGES:
        for path in (settings.BASE_DIR / package).rglob("*"):
            if path.suffix == ".py" and "tests" not in path.parts:
                yield path, path.read_text()
            elif path.suffix == ".html":
                tags = re.findall(r"\w*gettext\(.*?\)(?=\s|$)", templatize(path.read_text()), re.DOTALL)
                yield path, "\n".join(tags)


def texts() -> Iterator[tuple[Path, str, tuple[str, ...]]]:
    for path, code in sources():
        for call in ast.walk(ast.parse(code)):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
                continue
            name = call.func.id.removesuffix("_lazy")
            values = [one.value for one in call.args if isinstance(one, ast.Constant)]
            words = tuple(value for value in values if isinstance(value, str))[:2]
            if name in RUSSIAN and words and words[-1] not in NAMES:
                yield path.relative_to(settings.BASE_DIR), name, words


def test_every_marked_text_has_its_russian() -> None:
    found = list(texts())
    assert {path.suffix for path, _name, _words in found} == {".py", ".html"}
    with translation.override("ru"):
        missing = [(str(path), words) for path, name, words in found if RUSSIAN[name](*words) == words[-1]]
    assert missing == []
