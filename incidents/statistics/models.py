"""Events added up by buckets of a quarter of an hour, so that a year is read without its events."""

from django.db import models


class Bucket(models.Model):
    """The sums of one quarter of an hour: no time zone begins its day within one.

    They are only ever derived from the events: `manage.py recount` derives them anew, and loses nothing but
    what `manage.py prune` has deleted.
    """

    number = models.BigIntegerField(
        primary_key=True, db_column="quarter", help_text="Quarters of an hour since 1970, UTC."
    )
    reported = models.JSONField(help_text="Incidents reported, by source.")
    first_actions = models.BinaryField(help_text="Seconds from report to first action, 4 bytes each.")
    resolutions = models.BinaryField(help_text="Seconds from report to resolution, 4 bytes each.")
    finished = models.IntegerField()
    false_alarms = models.IntegerField()
    reopened = models.IntegerField(default=0)
    senders = models.JSONField(default=dict, help_text="The same by the id of the user who reported.")
    people = models.JSONField(default=dict, help_text="What was taken and resolved by the id of who did it.")

    class Meta:
        db_table = "statistics_slot"

    def __str__(self) -> str:
        return f"bucket {self.number}"


class CountedEvents(models.Model):
    """The one row with the id of the last counted event; its lock lets one transaction count at a time."""

    through = models.BigIntegerField(default=0)
    totals = models.JSONField(default=dict, help_text="Sums of all that was counted, for metrics.")

    class Meta:
        db_table = "statistics_progress"

    def __str__(self) -> str:
        return f"counted through event {self.through}"
