from itertools import islice

from django.db import migrations

MAX_SEARCH_TEXT = 40_000


def add_comments(apps, schema_editor):
    """Let the search find incidents by the comments of their histories, too."""
    events = apps.get_model('incidents', 'Event').objects.exclude(comment='').order_by('id')
    rows = events.values_list('comment', 'incident_id').iterator(chunk_size=2000)
    with schema_editor.connection.cursor() as cursor:
        while chunk := list(islice(rows, 2000)):
            cursor.executemany(
                'UPDATE incidents_incident SET search_text = search_text || %s'
                f' WHERE id = %s AND length(search_text) < {MAX_SEARCH_TEXT}',
                [('\n' + comment.casefold().replace('ё', 'е'), pk) for comment, pk in chunk],
            )


class Migration(migrations.Migration):

    dependencies = [
        ('incidents', '0012_active_indexes'),
    ]

    operations = [
        migrations.RunPython(add_comments, migrations.RunPython.noop),
    ]
