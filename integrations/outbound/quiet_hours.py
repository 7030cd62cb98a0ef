"""Hours in which people are not disturbed, by the clock of their time zone."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


def quiet_until(now: datetime, begins: time | None, ends: time | None, zone: ZoneInfo) -> datetime | None:
    """Return when the quiet hours end that hold at `now`, None outside of them.

    They may pass midnight. On a day when clocks are put forward over their end they end with the change.
    """
    if begins is None or ends is None or begins == ends:
        return None
    local = now.astimezone(zone)
    clock = local.time()
    is_over_night = begins > ends
    is_quiet = (clock >= begins or clock < ends) if is_over_night else begins <= clock < ends
    if not is_quiet:
        return None
    day = local.date() + timedelta(days=1) if is_over_night and clock >= begins else local.date()
    return datetime.combine(day, ends, zone).astimezone(now.tzinfo)
