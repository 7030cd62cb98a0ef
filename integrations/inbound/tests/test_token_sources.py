import base64

import pytest

from integrations.inbound.token_sources import TokenSources, find_tokens

TOKEN, OTHER = "0123456789abcdefABCDEF0123456789", "z" * 32


def basic(credentials: str) -> str:
    return "Basic " + base64.b64encode(credentials.encode()).decode()


@pytest.mark.parametrize(
    "sources",
    [
        TokenSources(authorization=f"Bearer {TOKEN}"),
        TokenSources(authorization=f"bearer  {TOKEN} "),
        TokenSources(authorization=f"Token {TOKEN}"),
        TokenSources(authorization=basic(f"anybody:{TOKEN}")),
        TokenSources(authorization=basic(f":{TOKEN}")),
        TokenSources(api_key=TOKEN),
        TokenSources(query=f"a=1&token={TOKEN}"),
        TokenSources(path=TOKEN),
        TokenSources(payload={"routing_key": TOKEN}),
    ],
)
def test_a_token_is_found_wherever_a_sender_can_put_it(sources: TokenSources) -> None:
    assert find_tokens(sources) == (TOKEN,)


@pytest.mark.parametrize(
    "sources",
    [
        TokenSources(),
        TokenSources(authorization="Bearer"),
        TokenSources(authorization="Bearer short"),
        TokenSources(authorization=f"Bearer {TOKEN}x"),
        TokenSources(authorization="Basic ***"),
        TokenSources(authorization="Basic ü"),
        TokenSources(authorization=basic(TOKEN)),
        TokenSources(path="０" * 32),
        TokenSources(payload={"routing_key": None}),
        TokenSources(payload={"routing_key": [TOKEN]}),
    ],
)
def test_what_has_not_the_shape_of_a_token_is_none(sources: TokenSources) -> None:
    assert find_tokens(sources) == ()


def test_the_authorization_of_a_proxy_hides_no_other_token() -> None:
    sources = TokenSources(
        authorization=basic("proxy:secret"), api_key=TOKEN, path=OTHER, query=f"token={TOKEN}"
    )
    assert find_tokens(sources) == (TOKEN, OTHER)
