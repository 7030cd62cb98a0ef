"""Add destinations to the database in DATA_DIR: `python -m bench.destinations URL NUMBER`."""

import os
import sys


def main(url: str, number: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from integrations.outbound import destinations
    from integrations.outbound.models import Transport

    for one in range(number):
        destinations.add(name=f"bench {one}", transport=Transport.WEBHOOK, address=url)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
