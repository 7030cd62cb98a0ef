"""Users by name and names by user, each looked up once."""

from users.models import User


class UnknownUser(LookupError):
    pass


class Names(dict[int | None, str | None]):
    """The name of each user's id; None has none."""

    def __missing__(self, user_id: int | None) -> str | None:
        self[user_id] = None if user_id is None else User.objects.get(pk=user_id).username
        return self[user_id]


class People(dict[str | None, int | None]):
    """The id of each user's name. With `make`, unknown ones are made, who cannot log in.

    Raises `UnknownUser`.
    """

    def __init__(self, *, make: bool) -> None:
        super().__init__({None: None})
        self.make = make

    def __missing__(self, name: str | None) -> int | None:
        self[name] = self.found(str(name))
        return self[name]

    def found(self, name: str) -> int:
        known: int | None = User.objects.filter(username=name).values_list("pk", flat=True).first()
        if known is not None:
            return known
        if not self.make:
            raise UnknownUser(name)
        user = User(username=name, is_active=False)
        user.set_unusable_password()
        user.clean_fields()
        user.save()
        return user.pk
