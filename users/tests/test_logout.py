from testing.clients import Post, token_of
from users import tokens
from users.models import User

PATH = "/users/logout/"


def test_the_token_is_dead_from_the_next_call_on(post: Post, olga: User) -> None:
    secret = token_of(olga)
    response = post(PATH, {"token": secret})
    assert (response.verdict, response.data) == ((200, ""), {})
    assert post("/incidents/get_all/", {"token": secret}).verdict == (401, "Invalid token")
    assert post(PATH, {"token": secret}).verdict == (401, "Invalid token")


def test_other_tokens_of_the_user_live_on(post: Post, olga: User) -> None:
    other = token_of(olga)
    post(PATH, {}, by=olga)
    assert tokens.user_of(other) == olga


def test_every_role_may_log_out(post: Post, olga: User, rita: User, vera: User, admin: User) -> None:
    assert {post(PATH, {}, by=user).status for user in (olga, rita, vera, admin)} == {200}


def test_it_requires_a_token(post: Post, db: None) -> None:
    assert post(PATH, {}).verdict == (400, "Token is required")
    assert post(PATH, {"token": "wrong"}).verdict == (401, "Invalid token")


def test_the_path_works_without_its_final_slash(post: Post, olga: User) -> None:
    assert post(PATH.rstrip("/"), {}, by=olga).status == 200
