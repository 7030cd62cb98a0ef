"""The fields of the POST dialect: each reader takes the decoded body and returns a checked value.

A broken rule raises the `ApiError` that the contract promises to the letter.
"""

import re
from datetime import datetime
from typing import Any

from api.post.envelope import ApiError, Body
from common import datetimes
from incidents import assignees
from incidents.api.post import vocabulary
from incidents.assignees import AssigneeNotKnown
from incidents.keyset import Position
from incidents.models import Source, Status
from incidents.severity import Severity
from incidents.transition import KEEP, Keep
from incidents.validators import (
    MAX_COMMENT_LENGTH,
    MAX_DESCRIPTION_LENGTH,
    TextProblem,
    is_idempotency_key,
    normalized_dedup_key,
    text_problem,
)

STATUSES = ", ".join(vocabulary.POST_TO_STORED_STATUS)
SOURCES = ", ".join(vocabulary.POST_TO_STORED_SOURCE)
SEVERITIES = {severity.value: severity for severity in Severity}
DIGITS = re.compile(r"[0-9]+")
ID_DIGITS = 19
NO_ASSIGNEE = "Assignee is not known"
MAX_PAGE_SIZE = 1000
INCIDENT_ERRORS = {
    TextProblem.BLANK: "Incident is required",
    TextProblem.TOO_LONG: f"Incident is too long, use at most {MAX_DESCRIPTION_LENGTH} characters",
    TextProblem.FORBIDDEN_CHARACTERS: "Incident has forbidden characters",
}
COMMENT_ERRORS = {
    TextProblem.TOO_LONG: f"Comment is too long, use at most {MAX_COMMENT_LENGTH} characters",
    TextProblem.FORBIDDEN_CHARACTERS: "Comment has forbidden characters",
}


def incident(body: Body) -> str:
    text = body.get("incident")
    if text is None:
        raise ApiError(400, "Incident is required")
    if not isinstance(text, str):
        raise ApiError(400, "Incident must be text")
    problem = text_problem(text, MAX_DESCRIPTION_LENGTH)
    if problem:
        raise ApiError(400, INCIDENT_ERRORS[problem])
    return text


def source(body: Body) -> Source:
    value = body.get("source")
    if not isinstance(value, str) or value not in vocabulary.POST_TO_STORED_SOURCE:
        raise ApiError(400, f"Source is required or wrong, use one of: {SOURCES}")
    return vocabulary.POST_TO_STORED_SOURCE[value]


def date(body: Body) -> datetime | None:
    text = body.get("date")
    if text is None:
        return None
    try:
        return datetimes.parse(text)
    except (TypeError, ValueError):
        raise ApiError(400, "Wrong date format") from None


def idempotency_key(body: Body) -> str | None:
    key = body.get("idempotency_key")
    if key is None:
        return None
    if not isinstance(key, str) or not is_idempotency_key(key):
        raise ApiError(400, "Wrong idempotency key")
    return key


def severity(body: Body) -> Severity | None:
    value = body.get("severity")
    if value is None:
        return None
    if not isinstance(value, str) or value not in SEVERITIES:
        raise ApiError(400, f"Severity must be one of: {', '.join(SEVERITIES)}")
    return SEVERITIES[value]


def dedup_key(body: Body) -> str | None:
    text = body.get("dedup_key")
    if text is None:
        return None
    key = normalized_dedup_key(text) if isinstance(text, str) else None
    if key is None:
        raise ApiError(400, "Wrong dedup key")
    return key


def status_filter(body: Body) -> frozenset[Status] | None:
    """Return the stored statuses that read as the one asked for; None for any."""
    value = body.get("status")
    if value is None:
        return None
    if not isinstance(value, str) or value not in vocabulary.POST_TO_STORED_STATUS:
        raise ApiError(400, f"Status must be one of: {STATUSES}")
    return vocabulary.statuses_read_as(value)


def source_filter(body: Body) -> frozenset[Source] | None:
    """Return the stored sources that read as the one asked for; None for any."""
    value = body.get("source")
    if value is None:
        return None
    if not isinstance(value, str) or value not in vocabulary.POST_TO_STORED_SOURCE:
        raise ApiError(400, f"Source must be one of: {SOURCES}")
    return vocabulary.sources_read_as(value)


def assignee_filter(body: Body, user_id: int) -> dict[str, Any]:
    """Return what of a query chooses the incidents of the user asked for: `me`, `none` or a username."""
    text = body.get("assignee")
    if text is None:
        return {}
    if not isinstance(text, str):
        raise ApiError(400, NO_ASSIGNEE)
    try:
        chosen = assignees.chosen(text, user_id)
    except AssigneeNotKnown:
        raise ApiError(400, NO_ASSIGNEE) from None
    return {"assignee": chosen, "unassigned": chosen is None}


def limit(body: Body) -> int | None:
    number = body.get("limit")
    if number is None:
        return None
    if type(number) is not int or not 1 <= number <= MAX_PAGE_SIZE:
        raise ApiError(400, f"Limit must be a whole number from 1 to {MAX_PAGE_SIZE}")
    return number


def cursor(body: Body) -> Position | None:
    text = body.get("cursor")
    if text is None:
        return None
    try:
        return Position.from_cursor(text)
    except ValueError:
        raise ApiError(400, "Wrong cursor") from None


def incident_or_key(body: Body) -> int | str:
    """Return the incident's id, or the dedup key that stands for it."""
    if body.get("dedup_key") is not None and body.get("id") not in (None, ""):
        raise ApiError(400, "Give either id or dedup_key")
    return dedup_key(body) or incident_id(body)


def incident_id(body: Body) -> int:
    number = body.get("id")
    if number is None or number == "":
        raise ApiError(400, "ID is required")
    if type(number) is int:
        return number
    if isinstance(number, str) and DIGITS.fullmatch(number):
        # Python reads no numbers of thousands of digits; past 64 bits no incident is found anyway.
        digits = number.lstrip("0")
        return int(digits or "0") if len(digits) <= ID_DIGITS else 10**ID_DIGITS
    raise ApiError(400, "ID must be numeric")


def new_status(body: Body) -> str | None:
    """Return the status to be set; None, to leave it, only if the body asks for something else."""
    value = body.get("status")
    if value is None and (body.get("comment") or "severity" in body or "assignee" in body):
        return None
    if not isinstance(value, str) or value not in vocabulary.POST_TO_STORED_STATUS:
        raise ApiError(400, f"Status is required or wrong, use one of: {STATUSES}")
    return value


def comment(body: Body) -> str:
    text = body.get("comment")
    if text is None:
        return ""
    if not isinstance(text, str):
        raise ApiError(400, "Comment must be text")
    problem = text_problem(text, MAX_COMMENT_LENGTH, may_be_blank=True)
    if problem:
        raise ApiError(400, COMMENT_ERRORS[problem])
    return text


def new_severity(body: Body) -> Severity | Keep | None:
    return severity(body) if "severity" in body else KEEP


def new_assignee(body: Body) -> int | Keep | None:
    """Return the id of the user who is to have the incident; None gives it back."""
    if "assignee" not in body:
        return KEEP
    name = body["assignee"]
    if name is None:
        return None
    if not isinstance(name, str):
        raise ApiError(400, NO_ASSIGNEE)
    try:
        return assignees.assignee_id(name)
    except AssigneeNotKnown:
        raise ApiError(400, NO_ASSIGNEE) from None


def finishes_own(body: Body) -> bool:
    """Tell whether the body asks for no more than to resolve or comment what the user has reported."""
    return (
        body.get("dedup_key") is not None
        and body.get("id") in (None, "")
        and body.get("status") in (None, "completed")
        and not {"severity", "assignee"} & body.keys()
    )
