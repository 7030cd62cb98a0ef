"""Backups of the database: made while the service runs, checked, pruned, restored.

directory   the folder of the backups: their names, and how many are kept
sqlite      SQLite's own way to copy, check and replace
postgres    the same with PostgreSQL's programs pg_dump, pg_restore and psql
manifest    the migrations and row counts of a backup, and whether this version of the service can use it

The commands are `manage.py backup` and `manage.py restore`.
"""
