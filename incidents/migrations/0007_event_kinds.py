from django.db import migrations, models

KINDS = {
    'created': 'Created',
    'status_changed': 'Status changed',
    'commented': 'Commented',
    'severity': 'Severity changed',
    'assigned': 'Assigned',
    'reopened': 'Reopened',
}
CHANNELS = {
    'post': 'POST API',
    'rest': 'REST API',
    'page': "Operators' page",
    'admin': 'Administration',
    'command': 'Command line',
    'hook': 'Monitoring',
}
SEVERITIES = ['critical', 'error', 'warning', 'info']

KNOWN = models.CheckConstraint(
    condition=models.Q(('kind__in', list(KINDS)), ('channel__in', list(CHANNELS))),
    name='event_kind_and_door_are_known',
)
CHANGES = models.CheckConstraint(
    condition=models.Q(
        ('kind__in', ['status_changed', 'reopened']),
        ('status_from', ''),
        ('status_from', models.F('status_to')),
        _connector='OR',
    ),
    name='event_changes_only_if_it_says_so',
)
SEVERITY = models.CheckConstraint(
    condition=models.Q(('severity__in', SEVERITIES)), name='event_severity_is_known'
)


def change_constraints(apps, editor):
    """On SQLite the last operation makes the table anew with all of them; each for itself would do that."""
    if editor.connection.vendor == 'sqlite':
        return
    event = apps.get_model('incidents', 'event')
    for constraint in (KNOWN, CHANGES):
        editor.remove_constraint(event, constraint)
        editor.add_constraint(event, constraint)


class Migration(migrations.Migration):

    dependencies = [
        ('incidents', '0006_dedup_key'),
    ]

    operations = [
        migrations.AlterField(
            model_name='event',
            name='kind',
            field=models.CharField(choices=list(KINDS.items()), max_length=20, verbose_name='what'),
        ),
        migrations.AlterField(
            model_name='event',
            name='channel',
            field=models.CharField(
                choices=list(CHANNELS.items()), db_column='door', max_length=20, verbose_name='through'
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(change_constraints)],
            state_operations=[
                migrations.RemoveConstraint('event', KNOWN.name),
                migrations.RemoveConstraint('event', CHANGES.name),
                migrations.AddConstraint('event', KNOWN),
                migrations.AddConstraint('event', CHANGES),
            ],
        ),
        migrations.AddConstraint('event', SEVERITY),
    ]
