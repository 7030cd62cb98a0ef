from django.db import migrations, models

SEVERITIES = ['critical', 'error', 'warning', 'info']
CHOICES = [('critical', 'Critical'), ('error', 'Error'), ('warning', 'Warning'), ('info', 'Info')]


class Migration(migrations.Migration):
    """Django would have SQLite make the table anew for the constraint, and that loses the triggers on it."""

    dependencies = [
        ('incidents', '0003_event_channel'),
    ]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE incidents_incident ADD COLUMN severity varchar(20) NULL CONSTRAINT incident_severity_is_known"
            " CHECK (severity IN ('critical', 'error', 'warning', 'info'))",
            state_operations=[
                migrations.AddField(
                    model_name='incident',
                    name='severity',
                    field=models.CharField(blank=True, choices=CHOICES, max_length=20, null=True, verbose_name='severity'),
                ),
                migrations.AddConstraint(
                    model_name='incident',
                    constraint=models.CheckConstraint(
                        condition=models.Q(('severity__in', SEVERITIES)), name='incident_severity_is_known'
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(
                condition=models.Q(('severity__isnull', False)),
                fields=['severity', 'created_at', 'id'],
                name='incident_by_severity',
            ),
        ),
        migrations.AddField(
            model_name='event',
            name='severity',
            field=models.CharField(blank=True, choices=CHOICES, max_length=20, null=True, verbose_name='severity'),
        ),
    ]
