"""The media type that is imported into Zabbix (5.4 and newer), with the script that posts to the hook."""

import textwrap

# By the names that integrations.inbound.zabbix reads.
PARAMETERS = {
    "event_id": "{EVENT.ID}",
    "event_value": "{EVENT.VALUE}",
    "event_update_status": "{EVENT.UPDATE.STATUS}",
    "event_ack": "{EVENT.ACK.STATUS}",
    "event_nseverity": "{EVENT.NSEVERITY}",
    "event_source": "{EVENT.SOURCE}",
    "event_name": "{EVENT.NAME}",
    "host": "{HOST.NAME}",
    "host_ip": "{HOST.IP}",
    "trigger_id": "{TRIGGER.ID}",
    "opdata": "{EVENT.OPDATA}",
    "tags": "{EVENT.TAGSJSON}",
    "event_ts": "{EVENT.TIMESTAMP}",
    "update_action": "{EVENT.UPDATE.ACTION}",
    "update_message": "{EVENT.UPDATE.MESSAGE}",
    "user": "{USER.FULLNAME}",
    "zabbix_url": "{$ZABBIX.URL}",
}
# What Zabbix shows in a failed action is what the script throws.
SCRIPT = """\
var params = JSON.parse(value), fields = {}, request = new HttpRequest(), name, response, result;
for (name in params) {
    if (name !== 'hook_url' && name !== 'hook_token') {
        fields[name] = params[name];
    }
}
request.addHeader('Content-Type: application/json');
request.addHeader('Authorization: Bearer ' + params.hook_token);
response = request.post(params.hook_url, JSON.stringify(fields));
if (request.getStatus() !== 202) {
    throw 'HTTP ' + request.getStatus() + ': ' + response;
}
result = JSON.parse(response).results[0];
return JSON.stringify({tags: result && result.url ? {__incident_url: result.url} : {}});
"""
MESSAGE = "{EVENT.NAME}"
MESSAGES = [
    ("TRIGGERS", "PROBLEM"),
    ("TRIGGERS", "RECOVERY"),
    ("TRIGGERS", "UPDATE"),
    ("DISCOVERY", "PROBLEM"),
    ("AUTOREGISTRATION", "PROBLEM"),
]


def media_type(hook_url: str, token: str) -> str:
    """Write the media type as YAML; the recipient ("Send to") of a media with it may be any text."""
    parameters = {**PARAMETERS, "hook_url": hook_url, "hook_token": token}
    lines = [
        "zabbix_export:",
        "  version: '5.4'",
        "  media_types:",
        "    - name: Incidents",
        "      type: WEBHOOK",
        "      parameters:",
    ]
    for name, value in parameters.items():
        lines += [f"        - name: {name}", f"          value: {quoted(value)}"]
    lines += [
        "      script: |",
        textwrap.indent(SCRIPT, " " * 8).rstrip(),
        "      process_tags: 'YES'",
        "      show_event_menu: 'YES'",
        "      event_menu_url: '{EVENT.TAGS.__incident_url}'",
        "      event_menu_name: Incident",
        "      message_templates:",
    ]
    for source, mode in MESSAGES:
        lines += [
            f"        - event_source: {source}",
            f"          operation_mode: {mode}",
            f"          subject: {quoted(MESSAGE)}",
            f"          message: {quoted(MESSAGE)}",
        ]
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
