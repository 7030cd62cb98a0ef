"""What is pasted into a monitoring system so that it posts here: its own fields and files, ready to copy.

for text in setup_texts(Kind.ALERTMANAGER, "https://incidents.example.com", token):
    print(text.place)
    print(text.text)
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from integrations.models import Kind
from integrations.zabbix_media_type import media_type


@dataclass(frozen=True, slots=True)
class SetupText:
    """A text to copy, and the place in the monitoring system where it belongs, in the reader's language."""

    place: str
    text: str


def setup_texts(kind: Kind, base_url: str, token: str) -> list[SetupText]:
    """Return the texts for a sender; `base_url` is the service's address without a final slash."""
    return WRITERS[kind](f"{base_url}/hooks/{kind.value}/", token)


def alertmanager(url: str, token: str) -> list[SetupText]:
    config = f"""\
route:
  receiver: incidents
receivers:
- name: incidents
  webhook_configs:
  - url: {url}
    send_resolved: true
    max_alerts: 0
    http_config:
      authorization: {{type: Bearer, credentials: {token}}}
      follow_redirects: false
"""
    return [SetupText("alertmanager.yml", config)]


def grafana(url: str, token: str) -> list[SetupText]:
    fields = f"""\
Integration: Webhook
URL: {url}
HTTP Method: POST
Authorization Header - Scheme: Bearer
Authorization Header - Credentials: {token}
Max Alerts: 0
Disable resolved message: off
"""
    return [
        SetupText(
            _("Alerting → Contact points → Add contact point, then choose it in a notification policy"),
            fields,
        )
    ]


def uptime_kuma(url: str, token: str) -> list[SetupText]:
    headers = json.dumps({"Authorization": f"Bearer {token}"}, indent=4)
    return [
        SetupText(_("Notification type “Webhook”, HTTP method POST: Post URL"), url),
        SetupText(_("Request Body: Preset - application/json. Additional Headers"), headers),
    ]


def zabbix(url: str, token: str) -> list[SetupText]:
    return [
        SetupText(
            _("Save as incidents.yaml: Alerts → Media types → Import. Then a media of a user, and an action"),
            media_type(url, token),
        )
    ]


def healthchecks(url: str, token: str) -> list[SetupText]:
    body = (
        '{"code": "$CODE", "status": "$STATUS", "name": $NAME_JSON, "slug": "$SLUG",'
        ' "at": "$NOW", "exit_status": "$EXITSTATUS", "body": $BODY_JSON}'
    )
    return [
        SetupText(_("Integration “Webhook”, method POST, both for “down” and for “up”: URL"), url),
        SetupText(_("Request Body for “down” and for “up”"), body),
        SetupText(_("Request Headers for “down” and for “up”"), f"Authorization: Bearer {token}"),
    ]


def pagerduty(url: str, token: str) -> list[SetupText]:
    return [
        SetupText(_("URL of the Events API v2"), f"{url}v2/enqueue"),
        SetupText(_("Integration key, also called routing key"), token),
    ]


def generic(url: str, token: str) -> list[SetupText]:
    post = f"curl -fsS --retry 3 -H 'Authorization: Bearer {token}'"
    cron = (
        "if /usr/local/bin/backup.sh; then action=resolve; else action=trigger; fi;"
        f" {post} {url} -d action=$action -d dedup_key=backup-db1"
        " -d title='Backup of db1 failed' -d severity=error\n"
    )
    macros = [
        ("title", "$SERVICEDESC$ on $HOSTNAME$"),
        ("dedup_key", "nagios/$HOSTNAME$/$SERVICEDESC$"),
        ("action", "$NOTIFICATIONTYPE$"),
        ("severity", "$SERVICESTATE$"),
        ("details", "$SERVICEOUTPUT$"),
    ]
    fields = " ".join(f'--data-urlencode "{name}={macro}"' for name, macro in macros)
    nagios = f"""\
define command {{
  command_name notify-incidents
  command_line /usr/bin/{post} {url} {fields}
}}
"""
    return [
        SetupText(
            _("A shell, to try it"),
            f"{post} {url} -d title='It works' -d dedup_key=first-test -d severity=info\n",
        ),
        SetupText(_("A job of cron: open when it fails, resolved when it succeeds"), cron),
        SetupText(_("Nagios and Icinga: a command for notifications"), nagios),
    ]


WRITERS: dict[Kind, Callable[[str, str], list[SetupText]]] = {
    Kind.ALERTMANAGER: alertmanager,
    Kind.GRAFANA: grafana,
    Kind.UPTIME_KUMA: uptime_kuma,
    Kind.ZABBIX: zabbix,
    Kind.HEALTHCHECKS: healthchecks,
    Kind.PAGERDUTY: pagerduty,
    Kind.GENERIC: generic,
}
