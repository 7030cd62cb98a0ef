"""The rows of a queue: what each says of its incident, in the viewer's language."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple, Self

from django.conf import settings
from django.db.models import Max
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from incidents.models import ACTIVE, Event, Incident, Source, Status
from incidents.search_text import folded
from incidents.severity import Severity
from incidents.web import search, storms, times
from incidents.web.access import user_of
from incidents.web.queue import Queue
from incidents.web.tabs import ALL
from users.models import User
from users.roles import Action

# Since the newest of them an incident waits, or somebody has it.
TURNS = (Event.Kind.STATUS_CHANGED, Event.Kind.REOPENED, Event.Kind.ASSIGNED)
# Of the comments among which words are looked for, and the length of what is shown of one.
MAX_COMMENTS = 2000
SNIPPET = 120


def rows(
    request: HttpRequest, queue: Queue, incidents: Iterable[Incident], query: str = ""
) -> list[dict[str, Any]]:
    """Describe the incidents, loaded by `in_brief`, for web/row.html.

    `query` is that of the queue, to which an incident's page leads back.
    """
    incidents = list(incidents)
    viewer = user_of(request)
    may_update = viewer.may(Action.UPDATE)
    turned = latest_turns(incidents)
    # Looked up once, not for each row.
    texts = Texts.current()
    token = get_token(request) if may_update else ""
    comments = matching_comments(incidents, queue.query.words)
    found = []
    for one in incidents:
        since = turned.get(one.pk, one.created_at)
        number = f"{texts.number}{one.pk}"
        waits = one.status == Status.OPEN
        found.append(
            {
                "pk": one.pk,
                "status": one.status,
                "status_label": texts.statuses[one.status],
                "number": number,
                "path": reverse("web:incident", args=[one.pk]),
                "query": query,
                "text": search.marked(one.brief, queue.query.words),  # type: ignore[attr-defined]
                "comment": comments.get(one.pk),
                "plain": one.brief,  # type: ignore[attr-defined]
                "shape": storms.shape(one.brief),  # type: ignore[attr-defined]
                "position": queue.position_of(one),
                "version": one.updated_at.isoformat(),
                "classes": classes(one, since),
                "severity": texts.severities.get(one.severity or ""),
                "state": state(one, since, viewer),
                "from": one.sender if one.dedup_key else texts.sources[one.source],  # type: ignore[attr-defined]
                "reported_at": None if waits else one.created_at,
                "may_update": may_update,
                "says_status": queue.tab == ALL and one.status not in ACTIVE,
                "take": texts.take if may_update and waits else "",
                "take_number": texts.take_number % {"id": one.pk},
                "token": token,
            }
        )
    return found


def matching_comments(incidents: Iterable[Incident], words: tuple[str, ...]) -> dict[int, SafeString]:
    """Return of each incident whose text does not show all the words a comment that does, by id."""
    missing = {}
    for one in incidents:
        text = folded(one.brief)  # type: ignore[attr-defined]
        if lacking := [word for word in map(folded, words) if word not in text]:
            missing[one.pk] = lacking
    if not missing:
        return {}
    commented = Event.objects.filter(incident__in=missing).exclude(comment="").order_by("id")
    found = {}
    for pk, comment in commented.values_list("incident", "comment")[:MAX_COMMENTS]:
        text = folded(comment)
        at = min((text.find(word) for word in missing[pk] if word in text), default=None)
        if at is not None:
            snippet = comment[max(0, at - SNIPPET // 3) :][:SNIPPET]
            found[pk] = format_html("{} <bdi>{}</bdi>", _("in a comment:"), search.marked(snippet, words))
    return found


class Texts(NamedTuple):
    number: str
    statuses: dict[str, str]
    sources: dict[str, str]
    severities: dict[str, str]
    take: str
    take_number: str

    @classmethod
    def current(cls) -> Self:
        """Return the texts in the language of the request."""
        return cls(
            number=pgettext("number", "#"),
            statuses={status.value: str(status.label) for status in Status},
            sources={source.value: str(source.label) for source in Source},
            severities={severity.value: str(severity.label) for severity in Severity},
            take=pgettext("button", "Take"),
            take_number=_("Take incident #%(id)s"),
        )


def latest_turns(incidents: Iterable[Incident]) -> dict[int, datetime]:
    """Return when each got its status or its assignee, by id, of those that changed at all."""
    # As fresh as it was reported, an incident has no such event.
    changed = [one.pk for one in incidents if one.status in ACTIVE and one.updated_at > one.created_at]
    events = Event.objects.filter(incident__in=changed, kind__in=TURNS).order_by()
    return dict(events.values_list("incident").annotate(Max("at")))


def classes(incident: Incident, since: datetime) -> str:
    late = lateness(incident.status, since)
    return (f" severity-{incident.severity}" if incident.severity else "") + (f" late-{late}" if late else "")


def lateness(status: str, since: datetime) -> int:
    """Return how many of the bounds of OVERDUE_AFTER an incident that waits has passed."""
    if status != Status.OPEN:
        return 0
    waits = (timezone.now() - since).total_seconds()
    return sum(waits >= bound for bound in settings.OVERDUE_AFTER)


def state(incident: Incident, since: datetime, viewer: User) -> SafeString:
    """Write how long an incident waits, or who has it and for how long; nothing of one that is finished."""
    if incident.status not in ACTIVE:
        return SafeString()
    lasts = format_html(
        '<time class="lasts" datetime="{}" title="{}">{}</time>',
        since.isoformat(),
        times.exactly(since),
        times.lasting((timezone.now() - since).total_seconds()),
    )
    if incident.status == Status.OPEN:
        return format_html('<span class="state">{}</span>', format_html(_("Waits {time}"), time=lasts))
    if incident.assignee_id == viewer.pk:
        return format_html('<b class="state">{}</b>', format_html(_("Mine · {time}"), time=lasts))
    # Loaded `in_brief` it has the name beside it.
    who = getattr(incident, "assigned_to", None) or (incident.assignee and incident.assignee.username)
    text = _("With {who} · {time}") if who else _("In progress · {time}")
    return format_html(
        '<span class="state">{}</span>',
        format_html(text, who=format_html("<bdi>{}</bdi>", who), time=lasts),
    )
