"""Incidents as files: `manage.py export`, `manage.py import` and the archive of `manage.py prune`.

A file has one record for each incident, in the stored values:

    jsonl    a JSON object a line, with the whole history and what its sender said; importing it again loses
             nothing but which incident had its key before, and the idempotency keys of changes
    csv      CSV for spreadsheets, without the history

`reader` reads the database in chunks; `record` validates a record of a file by the rules of the other
channels; `users` turns usernames into ids and back; `archive` is the file of `manage.py prune`.
"""
