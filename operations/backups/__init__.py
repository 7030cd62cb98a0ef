"""Copies of the database: made while the service runs, checked, kept, put back.

shelf       the folder of the backups: their names, and how many are kept
sqlite      SQLite's own way to copy, check and replace
postgres    the same by PostgreSQL's programs pg_dump and pg_restore
contents    what a backup holds, and whether this version of the service can use it

The commands are `manage.py backup` and `manage.py restore`.
"""
