"""Which history the ids of events belong to, so that a follower never takes a gap for silence."""

import secrets

from django.db import models
from django.db.models import F
from django.db.models.functions import Greatest


def new_epoch() -> str:
    return secrets.token_hex(8)


class FeedState(models.Model):
    """The one row of the feed; `manage.py restore` deletes it, and the next look makes it anew.

    `epoch` names a history: after a restore the same ids may be those of other events. `prunes` counts the
    deletions of events, and `pruned_through` is the largest id that one of them has deleted.
    """

    epoch = models.CharField(max_length=16, default=new_epoch)
    prunes = models.BigIntegerField(default=0)
    pruned_through = models.BigIntegerField(default=0)

    class Meta:
        db_table = "feed_state"

    def __str__(self) -> str:
        return f"epoch {self.epoch}"


def current() -> FeedState:
    state = FeedState.objects.filter(pk=1).first()
    return state or FeedState.objects.get_or_create(pk=1)[0]


def note_pruned(newest_id: int) -> None:
    """Note in the caller's transaction that events up to `newest_id`, not all of them, are deleted."""
    current()
    FeedState.objects.filter(pk=1).update(
        prunes=F("prunes") + 1, pruned_through=Greatest(F("pruned_through"), newest_id)
    )
