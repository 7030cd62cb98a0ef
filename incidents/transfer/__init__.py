"""Incidents as files: `manage.py export`, `manage.py import` and the archive of `manage.py prune`.

A file has one record for each incident, in the stored words:

    jsonl    a JSON object a line, with the whole history; bringing it in again loses nothing
    sheet    CSV for spreadsheets, without the history

`walk` reads the database chunk by chunk; `record` checks what a file says, by the rules of the other doors;
`people` turns names into users and back.
"""
