from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('incidents', '0011_episode_by_previous'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(
                condition=models.Q(('severity__isnull', False)),
                fields=['severity', 'status', 'created_at', 'id'],
                name='incident_by_severity_status',
            ),
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(
                condition=models.Q(('assignee__isnull', False)),
                fields=['assignee', 'status', 'created_at', 'id'],
                name='incident_by_assignee_status',
            ),
        ),
    ]
