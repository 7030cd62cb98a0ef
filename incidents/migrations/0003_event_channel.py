from django.db import migrations, models

CONSTRAINT = 'event_kind_and_door_are_known'
KINDS = ['created', 'status_changed', 'commented']
CHANNELS = ['post', 'rest', 'page', 'admin', 'command']


class Migration(migrations.Migration):
    """The field `door` is called `channel`; the column keeps its name, so no table is rewritten."""

    dependencies = [
        ('incidents', '0002_kept_counts'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint('event', CONSTRAINT),
                migrations.RenameField('event', 'door', 'channel'),
                migrations.AlterField(
                    model_name='event',
                    name='channel',
                    field=models.CharField(
                        choices=[('post', 'POST API'), ('rest', 'REST API'), ('page', "Operators' page"), ('admin', 'Administration'), ('command', 'Command line')],
                        db_column='door', max_length=20, verbose_name='through',
                    ),
                ),
                migrations.AddConstraint(
                    model_name='event',
                    constraint=models.CheckConstraint(
                        condition=models.Q(('kind__in', KINDS), ('channel__in', CHANNELS)), name=CONSTRAINT
                    ),
                ),
            ],
        ),
    ]
