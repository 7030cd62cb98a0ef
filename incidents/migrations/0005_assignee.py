import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def assignee():
    return models.ForeignKey(
        blank=True,
        db_index=False,
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name='+',
        to=settings.AUTH_USER_MODEL,
        verbose_name='assignee',
    )


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('incidents', '0004_severity'),
    ]

    operations = [
        migrations.AddField(model_name='incident', name='assignee', field=assignee()),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(
                condition=models.Q(('assignee__isnull', False)),
                fields=['assignee', 'created_at', 'id'],
                name='incident_by_assignee',
            ),
        ),
        migrations.AddField(model_name='event', name='assignee', field=assignee()),
    ]
