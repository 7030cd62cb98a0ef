"""What staff who are not superusers can do to users and tokens, and what remains of deleted users."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from testing.clients import new_client
from users.models import Token, User
from users.roles import Role

USERS = "/admin/users/user/"
TOKENS = "/admin/users/token/"


@pytest.fixture
def staff(db: None, password: str) -> User:
    """Somebody who administers users and tokens and is no superuser."""
    user = User.objects.create_user("stefan", password=password, is_staff=True, role=Role.VIEWER)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="users"))
    return user


@pytest.fixture
def staff_browser(staff: User) -> Client:
    browser = new_client(headers={"Accept-Language": "en"})
    browser.force_login(staff)
    return browser


def change(browser: Client, user: User, **fields: str) -> Any:
    form = {
        "username": user.username,
        "role": user.role,
        "is_active": "on",
        "date_joined_0": "2025-01-01",
        "date_joined_1": "00:00:00",
    }
    kept = {name: value for name, value in (form | fields).items() if value}
    return browser.post(f"{USERS}{user.pk}/change/", kept)


def change_password(browser: Client, user: User, **fields: str) -> Any:
    form = {"password1": "taken over 4711", "password2": "taken over 4711", "usable_password": "true"}
    return browser.post(f"{USERS}{user.pk}/password/", form | fields)


def issue_token(browser: Client, user: User) -> Any:
    return browser.post(f"{TOKENS}add/", {"user": str(user.pk), "name": "sensor 7", "days": "30"})


def delete(browser: Client, *users: User) -> Any:
    form = {"action": "delete_selected", "_selected_action": [user.pk for user in users], "post": "yes"}
    return browser.post(USERS, form)


def test_staff_cannot_give_itself_rights(staff_browser: Client, staff: User) -> None:
    everything = [str(pk) for pk in Permission.objects.values_list("pk", flat=True)]
    change(staff_browser, staff, is_superuser="on", user_permissions=everything[0], first_name="Stefan")
    staff.refresh_from_db()
    assert staff.first_name == "Stefan"
    assert not staff.is_superuser
    assert not staff.user_permissions.exclude(content_type__app_label="users").exists()


def test_staff_cannot_make_staff(staff_browser: Client, vera: User) -> None:
    change(staff_browser, vera, is_staff="on")
    vera.refresh_from_db()
    assert not vera.is_staff


@pytest.mark.parametrize("role", ["operator", "reporter"])
def test_staff_gives_no_role_that_does_more_than_its_own(
    staff_browser: Client, staff: User, vera: User, role: str
) -> None:
    for user in (staff, vera):
        assert change(staff_browser, user, role=role).status_code == 200
    assert set(User.objects.values_list("role", flat=True)) == {"viewer"}


def more_rights(staff: User) -> dict[str, User]:
    """Users who may do something that `staff` may not."""
    deactivated = User.objects.create_user("dora", is_active=False, role=Role.VIEWER)
    deactivated.user_permissions.set(Permission.objects.filter(content_type__app_label="admin"))
    return {
        "superuser": User.objects.create_superuser("admin"),
        "operator": User.objects.create_user("olga", role=Role.OPERATOR),
        "reporter": User.objects.create_user("rita", role=Role.REPORTER),
        "with permissions, deactivated": deactivated,
    }


@pytest.mark.parametrize("act", [change, change_password])
def test_staff_cannot_edit_users_with_more_rights(staff_browser: Client, staff: User, act: Any) -> None:
    for kind, user in more_rights(staff).items():
        assert act(staff_browser, user).status_code == 403, kind
        again = User.objects.get(pk=user.pk)
        assert (again.password, again.is_active) == (user.password, user.is_active)


def test_staff_cannot_delete_users_with_more_rights(staff_browser: Client, staff: User) -> None:
    users = more_rights(staff).values()
    for user in users:
        assert staff_browser.post(f"{USERS}{user.pk}/delete/", {"post": "yes"}).status_code == 403
        delete(staff_browser, user)
    assert User.objects.count() == 1 + len(users)


def test_staff_issues_tokens_only_for_users_with_no_more_rights(
    staff_browser: Client, staff: User, vera: User
) -> None:
    for kind, user in more_rights(staff).items():
        assert "errorlist" in issue_token(staff_browser, user).text, kind
    assert not Token.objects.exists()
    for user in (vera, staff):
        issue_token(staff_browser, user)
    assert {token.user for token in Token.objects.all()} == {vera, staff}


def test_staff_cannot_revoke_tokens_of_users_with_more_rights(
    staff_browser: Client, admin: User, admin_browser: Client
) -> None:
    issue_token(admin_browser, admin)
    token = Token.objects.get()
    assert staff_browser.post(f"{TOKENS}{token.pk}/delete/", {"post": "yes"}).status_code == 403
    form = {"action": "delete_selected", "_selected_action": [token.pk], "post": "yes"}
    staff_browser.post(TOKENS, form)
    assert Token.objects.exists()


def test_staff_edits_users_with_no_more_rights(staff_browser: Client, vera: User) -> None:
    assert change(staff_browser, vera, first_name="Vera").status_code == 302
    assert change_password(staff_browser, vera).status_code == 302
    vera.refresh_from_db()
    assert vera.first_name == "Vera"
    assert vera.check_password("taken over 4711")


def test_a_token_keeps_who_issued_it(admin_browser: Client, admin: User, rita: User) -> None:
    issue_token(admin_browser, rita)
    assert Token.objects.get().issued_by == admin
    assert ">admin<" in admin_browser.get(TOKENS).content.decode()


@pytest.mark.parametrize("taken", ["is_active", "is_superuser", "is_staff"])
def test_the_last_active_superuser_cannot_give_its_rights_up(
    admin_browser: Client, admin: User, taken: str
) -> None:
    User.objects.create_superuser("former", is_active=False)
    rights = {"is_active": "on", "is_superuser": "on", "is_staff": "on"}
    reply = change(admin_browser, admin, **(rights | {taken: ""}))
    assert reply.status_code == 200
    assert "last active superuser" in reply.text
    admin.refresh_from_db()
    assert admin.is_active
    assert admin.is_superuser
    assert admin.is_staff


def test_the_last_active_superuser_cannot_disable_its_password(admin_browser: Client, admin: User) -> None:
    reply = change_password(
        admin_browser, admin, usable_password="false", password1="", password2="", **{"unset-password": "1"}
    )
    assert "last active superuser" in reply.text
    admin.refresh_from_db()
    assert admin.has_usable_password()


def test_one_of_two_superusers_gives_its_rights_up(admin_browser: Client, admin: User) -> None:
    second = User.objects.create_superuser("second", password="x")
    assert change(admin_browser, second, is_superuser="", is_staff="").status_code == 302
    second.refresh_from_db()
    assert not second.is_superuser


def test_a_superuser_is_not_deleted(admin_browser: Client, admin: User) -> None:
    second = User.objects.create_superuser("second")
    assert admin_browser.post(f"{USERS}{second.pk}/delete/", {"post": "yes"}).status_code == 403
    delete(admin_browser, admin, second)
    assert User.objects.count() == 2


def test_a_user_who_has_administered_is_deactivated_and_not_deleted(
    admin_browser: Client, staff_browser: Client, staff: User, vera: User
) -> None:
    change(staff_browser, vera, first_name="Vera")
    assert LogEntry.objects.filter(user=staff).exists()
    assert admin_browser.post(f"{USERS}{staff.pk}/delete/", {"post": "yes"}).status_code == 403
    delete(admin_browser, staff)
    assert LogEntry.objects.filter(user=staff).exists()
    assert User.objects.filter(pk=staff.pk).exists()


def test_a_user_without_a_history_is_deleted(admin_browser: Client, vera: User) -> None:
    assert admin_browser.post(f"{USERS}{vera.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=vera.pk).exists()
