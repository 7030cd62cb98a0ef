"""Usernames by user id and user ids by username, each looked up once."""

from users.models import User


class UnknownUser(LookupError):
    pass


class UsernameCache(dict[int | None, str | None]):
    """Username by user id; None for None."""

    def __missing__(self, user_id: int | None) -> str | None:
        self[user_id] = None if user_id is None else User.objects.get(pk=user_id).username
        return self[user_id]


class UserResolver(dict[str | None, int | None]):
    """User id by username; None for None. With `create`, unknown users are created, inactive.

    Raises `UnknownUser`.
    """

    def __init__(self, *, create: bool) -> None:
        super().__init__({None: None})
        self.create = create

    def __missing__(self, username: str | None) -> int | None:
        self[username] = self.find_or_create(str(username))
        return self[username]

    def find_or_create(self, username: str) -> int:
        known: int | None = User.objects.filter(username=username).values_list("pk", flat=True).first()
        if known is not None:
            return known
        if not self.create:
            raise UnknownUser(username)
        user = User(username=username, is_active=False)
        user.set_unusable_password()
        user.clean_fields()
        user.save()
        return user.pk
