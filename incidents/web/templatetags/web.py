"""Timestamps and durations for people."""

from datetime import datetime, timedelta

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from incidents.web import links, search, times

register = template.Library()
register.filter(links.linked)
register.filter(search.marked)


@register.simple_tag
def age(timestamp: datetime) -> SafeString:
    """Write how long ago it was in words; the exact time shows on hover."""
    return format_html(
        '<time class="age" datetime="{}" title="{}">{}</time>',
        timestamp.isoformat(),
        times.exactly(timestamp),
        times.ago(timestamp),
    )


@register.simple_tag
def when(timestamp: datetime) -> SafeString:
    """Write the time, and how long ago that was; to the second it shows on hover."""
    return format_html(
        '<time datetime="{0}" title="{1}">{2}</time> · <time class="age" datetime="{0}">{3}</time>',
        timestamp.isoformat(),
        times.exactly(timestamp),
        times.on_the_clock(timestamp),
        times.ago(timestamp),
    )


@register.filter
def duration(length: timedelta | None) -> str:
    """Write a duration in its two largest units."""
    if length is None:
        return "—"
    if length < timedelta(minutes=1):
        return _("%(seconds)d s") % {"seconds": round(length.total_seconds())}
    start = datetime(2001, 1, 1)  # noqa: DTZ001  # only its distance counts
    return timesince(start, start + length, depth=2)
