"""Timestamps and durations for people."""

from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from incidents.web import links, search

register = template.Library()
register.filter(links.linked)
register.filter(search.marked)

AGES = (
    # In seconds. The texts of Django's timesince have the wrong case: «1 минута», but «1 минуту назад».
    (365 * 86400, ngettext_lazy("%(number)d year ago", "%(number)d years ago", "number")),
    (30 * 86400, ngettext_lazy("%(number)d month ago", "%(number)d months ago", "number")),
    (7 * 86400, ngettext_lazy("%(number)d week ago", "%(number)d weeks ago", "number")),
    (86400, ngettext_lazy("%(number)d day ago", "%(number)d days ago", "number")),
    (3600, ngettext_lazy("%(number)d hour ago", "%(number)d hours ago", "number")),
    (60, ngettext_lazy("%(number)d minute ago", "%(number)d minutes ago", "number")),
)


@register.simple_tag
def age(timestamp: datetime) -> SafeString:
    """Write how long ago it was in words; the exact time shows on hover."""
    return format_html(
        '<time class="age" datetime="{}" title="{}">{}</time>',
        timestamp.isoformat(),
        exactly(timestamp),
        ago(timestamp),
    )


@register.simple_tag
def exact(timestamp: datetime) -> SafeString:
    """Write the time itself, to the second, in the viewer's time zone."""
    return format_html('<time datetime="{}">{}</time>', timestamp.isoformat(), exactly(timestamp))


@register.filter
def duration(length: timedelta | None) -> str:
    """Write a duration in its two largest units."""
    if length is None:
        return "—"
    if length < timedelta(minutes=1):
        return _("%(seconds)d s") % {"seconds": round(length.total_seconds())}
    start = datetime(2001, 1, 1)  # noqa: DTZ001  # only its distance counts
    return timesince(start, start + length, depth=2)


def exactly(timestamp: datetime) -> str:
    local = timezone.localtime(timestamp)
    return f"{date_format(local, 'DATE_FORMAT')}, {local:%H:%M:%S} ({local.tzname()})"


def ago(timestamp: datetime) -> str:
    # times.js updates these texts as time goes by.
    seconds = (timezone.now() - timestamp).total_seconds()
    if seconds < 0:
        return exactly(timestamp)
    for unit, text in AGES:
        if number := int(seconds // unit):
            return text % {"number": number}
    return _("just now")
