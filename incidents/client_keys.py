"""Which incident a user means by a key: an idempotency key, or the user's own name for what is wrong."""

from incidents.models import FINISHED, UNFINISHED, ChangeKey, Incident


def made_with(idempotency_key: str | None, user_id: int | None) -> Incident | None:
    """Return the incident that the user made with the key."""
    if idempotency_key is None:
        return None
    return Incident.objects.filter(created_by=user_id, idempotency_key=idempotency_key).first()


def unfinished(dedup_key: str | None, user_id: int | None) -> int | None:
    """Return the id of the one incident with the key that the user reported and that is not finished."""
    if dedup_key is None:
        return None
    same_key = Incident.objects.filter(created_by=user_id, dedup_key=dedup_key)
    return same_key.filter(status__in=UNFINISHED).values_list("id", flat=True).first()


def changed_with(idempotency_key: str | None, dedup_key: str, user_id: int | None) -> int | None:
    """Return the id of the incident with the dedup key that the user changed with the idempotency key."""
    if idempotency_key is None:
        return None
    same_key = Incident.objects.filter(created_by=user_id, dedup_key=dedup_key)
    changes = ChangeKey.objects.filter(key=idempotency_key, user=user_id, incident__in=same_key)
    return changes.values_list("incident_id", flat=True).first()


def is_first_change(incident_id: int, idempotency_key: str, user_id: int | None) -> bool:
    """Tell whether the user has not changed the locked incident with this key before, and store the key."""
    same = ChangeKey.objects.filter(incident=incident_id, key=idempotency_key, user=user_id)
    if same.exists():
        return False
    ChangeKey.objects.create(incident_id=incident_id, key=idempotency_key, user_id=user_id)
    return True


def in_the_way_of(incident_id: int) -> int | None:
    """Return the id of the unfinished incident that has the key of this finished one."""
    one = Incident.objects.filter(pk=incident_id, status__in=FINISHED).first()
    return unfinished(one.dedup_key, one.created_by_id) if one else None
