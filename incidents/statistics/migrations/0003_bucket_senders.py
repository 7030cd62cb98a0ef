from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("statistics", "0002_bucket_and_counted_events")]

    operations = [
        migrations.AddField(
            "bucket",
            "senders",
            models.JSONField(default=dict, help_text="The same by the id of the user who reported."),
        ),
    ]
