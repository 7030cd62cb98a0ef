"""Slot becomes Bucket and Progress becomes CountedEvents in the code; tables and columns keep their names."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("statistics", "0001_initial")]

    # With the table's name set beforehand, RenameModel changes nothing but the content type's name.
    operations = [
        migrations.AlterModelTable("slot", "statistics_slot"),
        migrations.AlterModelTable("progress", "statistics_progress"),
        migrations.RenameModel("Slot", "Bucket"),
        migrations.RenameModel("Progress", "CountedEvents"),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    "bucket",
                    "quarter",
                    models.BigIntegerField(
                        db_column="quarter",
                        help_text="Quarters of an hour since 1970, UTC.",
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                migrations.RenameField("bucket", "quarter", "number"),
            ]
        ),
    ]
