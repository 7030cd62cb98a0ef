from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import override_settings
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from testing.clients import Post, Rest, together, token_of
from users import tokens
from users.models import Token, User

HOUR = timedelta(hours=1)


def test_a_check_is_one_query(olga: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    secret = token_of(olga)
    tokens.user_of(secret)
    with django_assert_num_queries(1):
        user = tokens.user_of(secret)
        assert user is not None
        assert (user.pk, user.username, user.role, user.is_superuser) == (olga.pk, "olga", "operator", False)


def test_a_calls_first_query_is_its_only_one_for_the_token(
    post: Post, olga: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    secret = token_of(olga)
    post("/incidents/get_all/", {"token": secret})
    with django_assert_num_queries(2):  # the token, the list
        post("/incidents/get_all/", {"token": secret})


@pytest.mark.parametrize(
    "secret",
    [
        None,
        "",
        "inc_",
        "x" * 47,
        "inc_" + "a" * 42,
        "inc_" + "a" * 44,
        "inc_" + "a" * 42 + "!",
        "inc_" + "a" * 42 + "é",
        "inc_" + "a" * 42 + "١",
        "INC_" + "a" * 43,
        "inc_" + "a" * 43 + "\n",
        " inc_" + "a" * 43,
        "inc_" + "a" * 1_000_000,
        "inc_" + "\0" * 43,
        b"inc_" + b"a" * 43,
        ["inc_" + "a" * 43],
        {},
        True,
        0,
        1.5,
    ],
)
def test_what_cannot_be_a_token_never_reaches_the_database(
    secret: object, db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert tokens.user_of(secret) is None


def test_an_unknown_token_is_nobodys(olga: User) -> None:
    token_of(olga)
    assert tokens.user_of("inc_" + "a" * 43) is None


def change_password(user: User) -> None:
    user.set_password("another one")
    user.save()


def set_the_same_password_again(user: User) -> None:
    user.set_password("correct horse battery staple")
    user.save()


def deactivate(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def delete(user: User) -> None:
    user.delete()


def expire(user: User) -> None:
    Token.objects.filter(user=user).update(expires_at=timezone.now())


@pytest.mark.parametrize("deed", [change_password, set_the_same_password_again, deactivate, delete, expire])
@pytest.mark.parametrize("name", ["", "sensor"])
def test_it_dies_at_once(deed: Callable[[User], None], name: str, olga: User, post: Post, rest: Rest) -> None:
    secret = tokens.issue(olga, lifetime=HOUR, name=name).secret
    bearer = {"Authorization": f"Bearer {secret}"}
    assert tokens.user_of(secret) == olga
    deed(olga)
    assert tokens.user_of(secret) is None
    assert post("/incidents/get_all/", {"token": secret}).verdict == (401, "Invalid token")
    assert rest("GET", "/api/incidents/", headers=bearer).status == 401


def test_a_reactivated_users_token_lives_again(olga: User) -> None:
    secret = token_of(olga)
    deactivate(olga)
    User.objects.update(is_active=True)
    assert tokens.user_of(secret) == olga


def test_another_users_password_does_not_matter(olga: User, vera: User) -> None:
    secret = token_of(olga)
    change_password(vera)
    assert tokens.user_of(secret) == olga


def test_a_machines_token_survives_logins(olga: User) -> None:
    machine = tokens.issue(olga, lifetime=HOUR, name="sensor").secret
    for _login in range(12):
        tokens.issue_for_login(olga)
    assert tokens.user_of(machine) == olga
    assert Token.objects.filter(name="").count() == 10


class NextHasher(MD5PasswordHasher):
    """What Django hashes with after an upgrade, as far as this test goes."""

    algorithm = "next"


@pytest.fixture
def upgraded(olga: User) -> Iterator[None]:
    """Django hashes in a new way; olga's password is still kept in the old one."""
    hashers = [f"{hasher.__module__}.{hasher.__name__}" for hasher in (NextHasher, MD5PasswordHasher)]
    with override_settings(PASSWORD_HASHERS=hashers):
        yield


@pytest.mark.parametrize("name", ["", "sensor"])
def test_it_survives_a_new_hash_of_the_same_password(
    post: Post, olga: User, vera: User, password: str, upgraded: None, name: str
) -> None:
    secret = tokens.issue(olga, lifetime=HOUR, name=name).secret
    of_vera = token_of(vera)
    response = post("/users/authorization/", {"username": "olga", "password": password})
    assert User.objects.get(pk=olga.pk).password.startswith("next$")
    for alive in (secret, response.data["token"]):
        assert tokens.user_of(alive) == olga
    assert tokens.user_of(of_vera) == vera
    change_password(User.objects.get(pk=olga.pk))
    assert tokens.user_of(secret) is None


def test_one_of_an_older_password_stays_dead_after_a_new_hash(
    post: Post, olga: User, password: str, upgraded: None
) -> None:
    secret = token_of(olga)
    with override_settings(PASSWORD_HASHERS=[f"{MD5PasswordHasher.__module__}.{MD5PasswordHasher.__name__}"]):
        set_the_same_password_again(olga)
    assert post("/users/authorization/", {"username": "olga", "password": password}).status == 200
    assert tokens.user_of(secret) is None


def test_of_two_logins_after_an_upgrade_both_get_a_live_token(
    olga: User, password: str, upgraded: None
) -> None:
    first, second = User.objects.get(pk=olga.pk), User.objects.get(pk=olga.pk)
    assert first.check_password(password)
    assert second.check_password(password)
    assert tokens.user_of(token_of(first)) == tokens.user_of(token_of(second)) == olga


def test_a_new_hash_never_takes_the_place_of_a_new_password(
    olga: User, password: str, upgraded: None
) -> None:
    late = User.objects.get(pk=olga.pk)
    change_password(olga)
    assert not late.check_password(password)
    assert User.objects.get(pk=olga.pk).check_password("another one")


def test_logins_of_others_take_no_place(olga: User, vera: User) -> None:
    secret = tokens.issue_for_login(vera).secret
    for _login in range(12):
        tokens.issue_for_login(olga)
    assert tokens.user_of(secret) == vera


@pytest.mark.django_db(transaction=True)
def test_at_most_ten_logins_live_also_when_they_come_at_once(olga: User) -> None:
    results = together(16, lambda _number: tokens.issue_for_login(User.objects.get(pk=olga.pk)))
    assert [result for result in results if isinstance(result, Exception)] == []
    assert Token.objects.filter(user=olga).count() <= 10


def test_secrets_differ_and_have_the_promised_shape(olga: User) -> None:
    secrets = {token_of(olga) for _number in range(20)}
    assert len(secrets) == 20
    assert all(tokens.SHAPE.fullmatch(secret) for secret in secrets)


def everything_stored() -> str:
    """Return all values of all columns of all tables, as one text."""
    rows: list[Any] = []
    for model in apps.get_models(include_auto_created=True):
        rows += model._default_manager.values_list()
    return repr(rows)


def test_only_its_digest_is_stored(post: Post, olga: User, password: str) -> None:
    response = post("/users/authorization/", {"username": "olga", "password": password})
    secret = response.data["token"]
    post("/incidents/create/", {"token": secret, "incident": "Fire", "source": "operator"})
    stored = everything_stored()
    assert tokens.digest(secret) in stored
    assert secret not in stored
    assert secret.removeprefix(tokens.PREFIX) not in stored
    assert password not in stored


def test_the_last_use_of_a_machines_token_is_noted_to_the_hour(olga: User) -> None:
    secret = tokens.issue(olga, lifetime=HOUR, name="sensor").secret
    before = timezone.now()
    tokens.user_of(secret)
    first = Token.objects.get().last_used_at
    assert first is not None
    assert before <= first <= timezone.now()
    tokens.user_of(secret)
    assert Token.objects.get().last_used_at == first
    Token.objects.update(last_used_at=timezone.now() - 2 * HOUR)
    tokens.user_of(secret)
    noted = Token.objects.get().last_used_at
    assert noted is not None
    assert noted >= first


def test_it_is_shown_by_its_name_or_a_part_of_its_digest(olga: User) -> None:
    secret = token_of(olga)
    token = Token.objects.get()
    assert secret not in str(token)
    assert str(token) == f"{token.digest[:8]}…"
    assert str(Token(name="sensor")) == "sensor"
