"""The newest posts of an integration with what became of them, without secrets, and bounded.

A post is stored in the transaction that stores what it did. If that takes several transactions, the post is
stored before them.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, Q, QuerySet, Subquery

from common.db.compiled import Given, Statement, delete, insert, update
from integrations.authentication import Caller
from integrations.inbound.values import as_text
from integrations.models import Integration, Outcome, ReceivedPost

MAX_POSTS = 50
# Older ones are deleted several at a time: each deletion is three pages of a database more to write.
MAX_OUTDATED = 10
MAX_BODY_LENGTH = 64 * 1024
MAX_RESPONSE_LENGTH = 16 * 1024
# Writing it down with each post would have all posts of an integration wait for each other.
LAST_RECEIVED_PRECISION = timedelta(minutes=1)

HIDDEN = "…"
WORDS = (
    r"(?:[\w-]{0,40}[_-])?"
    r"(?:password|passwd|pass|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|routing[_-]?key"
    r"|auth|authorization|cookie)"
)
# Few posts have any of these, and to look for them is much shorter than the replacements.
HINTS = (
    "pass",
    "secret",
    "token",
    "auth",
    "cookie",
    "bearer",
    "basic",
    "api",
    "access",
    "private",
    "routing",
    "@",
)
SECRETS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf'("{WORDS}"\s{{0,9}}:\s{{0,9}}")(?:[^"\\]|\\.)*',  # JSON
        rf'(\\"{WORDS}\\"\s{{0,9}}:\s{{0,9}}\\")(?:(?!\\").)*',  # JSON within a JSON text
        rf"((?:^|[&?\s]){WORDS}=)[^&\s\"]*",  # forms and queries
        r"(\b(?:bearer|basic)\s+)[\w.~+/=-]+",  # headers that a monitor quotes
        r"(://[^/@\s:\"]{0,200}:)[^/@\s\"]{1,200}(?=@)",  # URLs
    )
]

POST_FIELDS = [
    *("integration", "at", "method", "content_type", "body", "size"),
    *("outcome", "status", "response"),
]
insert_post = insert(ReceivedPost, POST_FIELDS, returning=True)
finish_post = update(
    lambda: ReceivedPost.objects.filter(id=Given("id", ReceivedPost)), ["outcome", "status", "response"]
)


def outdated() -> QuerySet[ReceivedPost]:
    of_integration = ReceivedPost.objects.filter(integration=Given("integration", ReceivedPost))
    newest_first = of_integration.order_by("-id").values("id")
    newest_outdated = newest_first[MAX_POSTS : MAX_POSTS + 1]
    are_many = Exists(newest_first[MAX_POSTS + MAX_OUTDATED - 1 :])
    return of_integration.filter(are_many, id__lte=Subquery(newest_outdated))


delete_outdated: Statement = delete(outdated)


@dataclass(slots=True)
class Post:
    """What came. `body` is without secrets, and `size` that of the whole; `id` is None until it is stored."""

    caller: Caller
    at: datetime
    method: str
    content_type: str
    body: str
    size: int
    id: int | None = None


def store(post: Post) -> None:
    """Store a post before it is processed."""
    with transaction.atomic():
        pk = insert_one(post, "", None, "")
    post.id = pk


def finish(post: Post, outcome: Outcome, status: int, response: str) -> None:
    """Store what became of a post and what its sender was told, with the post if it is not stored yet.

    To be called in a transaction.
    """
    response = response[:MAX_RESPONSE_LENGTH]
    if post.id is None:
        insert_one(post, outcome.value, status, response)
    else:
        finish_post.rows(id=post.id, outcome=outcome.value, status=status, response=response)


def insert_one(post: Post, outcome: str, status: int | None, response: str) -> int:
    """Insert a post and return its id; what is older than the newest 50 goes, ten at a time."""
    caller = post.caller
    [(pk,)] = insert_post.rows(
        integration=caller.id,
        at=post.at,
        method=post.method,
        content_type=as_text(post.content_type)[:200],
        body=post.body,
        size=post.size,
        outcome=outcome,
        status=status,
        response=response,
    )
    delete_outdated.rows(integration=caller.id)
    last = caller.last_received_at
    if caller.first_received_at is None or last is None or post.at - last > LAST_RECEIVED_PRECISION:
        store_last_received(caller, post.at)
    return int(pk)


def store_last_received(caller: Caller, at: datetime) -> None:
    integration = Integration.objects.filter(pk=caller.id)
    integration.filter(first_received_at=None).update(first_received_at=at)
    integration.filter(Q(last_received_at=None) | Q(last_received_at__lt=at)).update(last_received_at=at)


def without_secrets(body: bytes, tokens: tuple[str, ...]) -> str:
    """Return the beginning of a body as text, without the tokens and what is named like a secret."""
    text = as_text(body[:MAX_BODY_LENGTH].decode("utf-8", "replace"))
    for token in tokens:
        text = text.replace(token, HIDDEN)
    lowered = text.lower()
    if any(hint in lowered for hint in HINTS):
        for pattern in SECRETS:
            text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    return text
