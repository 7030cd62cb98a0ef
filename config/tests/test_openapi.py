"""The OpenAPI document is the code's, and every answer to what it allows and to what it does not is in it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from django.conf import settings
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from pytest_django.live_server_helper import LiveServer
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from testing.callers import new_client
from users import tokens
from users.models import User

COMMITTED = Path(settings.BASE_DIR) / "docs" / "openapi.yaml"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
document = yaml.safe_load(COMMITTED.read_text(encoding="utf-8"))
schema = schemathesis.openapi.from_dict(document)


def test_the_committed_document_is_the_codes(tmp_path: Path) -> None:
    current = tmp_path / "openapi.yaml"
    call_command("spectacular", "--lang", "en", "--validate", "--fail-on-warn", "--file", str(current))
    assert current.read_text(encoding="utf-8") == COMMITTED.read_text(encoding="utf-8"), (
        "docs/openapi.yaml is old, make it anew: make openapi"
    )


@pytest.fixture
def secret(transactional_db: None) -> str:
    user = User.objects.create_user("schemathesis")
    return tokens.issue(user, lifetime=timedelta(hours=1)).secret


@schema.parametrize()
@hypothesis_settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
)
def test_every_answer_is_in_the_document(case: Any, secret: str, live_server: LiveServer) -> None:
    if isinstance(case.body, dict) and "token" in case.body:
        case.body["token"] = secret
    case.call_and_validate(
        base_url=live_server.url, headers={"Authorization": f"Bearer {secret}"}, checks=CHECKS
    )


@pytest.mark.parametrize("accept", ["application/vnd.oai.openapi", "application/json"])
def test_the_document_is_made_once_and_known_by_its_etag(
    accept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(language: str, **headers: str) -> Any:
        return new_client().get(
            "/api/schema/", headers={"Accept": accept, "Accept-Language": language, **headers}
        )

    first = {language: ask(language) for language in ("ru", "en")}
    assert first["ru"].headers["ETag"] != first["en"].headers["ETag"]
    monkeypatch.setattr(SchemaGenerator, "get_schema", lambda *_args, **_kwargs: pytest.fail("made anew"))
    for language, reply in first.items():
        assert reply.status_code == 200
        assert reply.headers["Content-Type"].startswith(accept)
        assert ask(language).content == reply.content
        assert ask(language, **{"If-None-Match": reply.headers["ETag"]}).status_code == 304
    other = new_client().get("/api/schema/?lang=en&version=7", headers={"Accept": accept})
    assert other.content == first["en"].content
