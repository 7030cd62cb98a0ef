import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('incidents', '0008_change_key'),
    ]

    operations = [
        migrations.CreateModel(
            name='Episode',
            fields=[
                ('incident', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, serialize=False, to='incidents.incident')),
                ('starts_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('severity', models.CharField(choices=[('critical', 'Critical'), ('error', 'Error'), ('warning', 'Warning'), ('info', 'Info')], max_length=20, null=True)),
                ('latest_text', models.TextField(blank=True)),
                ('link', models.TextField(blank=True)),
                ('reopened', models.IntegerField(default=0)),
                ('still_firing_at', models.DateTimeField(null=True)),
                ('previous', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='incidents.incident')),
            ],
        ),
    ]
