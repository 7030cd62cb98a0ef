from django.db import migrations, models

UNFINISHED = ['open', 'in_progress', 'unknown']


class Migration(migrations.Migration):
    """Django would have SQLite make the table anew for a column that is not null; see 0004."""

    dependencies = [
        ('incidents', '0005_assignee'),
    ]

    operations = [
        migrations.AddField(
            model_name='incident',
            name='dedup_key',
            field=models.CharField(editable=False, max_length=255, null=True, verbose_name='key'),
        ),
        migrations.RunSQL(
            'ALTER TABLE incidents_incident ADD COLUMN repeats integer DEFAULT 0 NOT NULL',
            state_operations=[
                migrations.AddField(
                    model_name='incident',
                    name='repeats',
                    field=models.IntegerField(db_default=0, editable=False, verbose_name='repeats'),
                ),
            ],
        ),
        migrations.AddField(
            model_name='incident',
            name='last_seen_at',
            field=models.DateTimeField(editable=False, null=True, verbose_name='last seen at'),
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(
                condition=models.Q(('dedup_key__isnull', False)),
                fields=['dedup_key', 'created_by', 'status', 'id'],
                name='incident_by_key',
            ),
        ),
        migrations.AddConstraint(
            model_name='incident',
            constraint=models.UniqueConstraint(
                condition=models.Q(('dedup_key__isnull', False), ('status__in', UNFINISHED)),
                fields=('dedup_key', 'created_by'),
                name='incident_active_key_once_a_user',
            ),
        ),
        migrations.AddConstraint(
            model_name='incident',
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ('created_by__isnull', True), ('dedup_key__isnull', False), ('status__in', UNFINISHED)
                ),
                fields=('dedup_key',),
                name='incident_active_key_once_without_user',
            ),
        ),
    ]
