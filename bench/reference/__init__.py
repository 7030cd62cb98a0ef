"""The reference: the same REST API as a plain project has it.

`startproject`, Django REST Framework's ModelViewSet and ModelSerializer, django-filter, SQLite as it comes,
an index for each filtered column, no login.
"""
