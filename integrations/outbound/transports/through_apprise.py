"""Everything else: the services that Apprise knows, by its URLs.

It is optional: `pip install "apprise>=2.3,<3"`.
Its plugins connect by themselves: the guard of addresses does not cover them.
"""

from integrations.outbound.transports.base import Address, Message, Outcome

# Those that run programs, read files, or write to this machine.
REFUSED_SCHEMES = {"syslog", "dbus", "qt", "glib", "gnome", "windows", "macosx", "file", "config"}


def send(address: Address, message: Message) -> Outcome:
    url = address.secrets[0]
    if url.partition(":")[0].lower() in REFUSED_SCHEMES:
        return Outcome(success=False, reason="this kind of address is not allowed", disable=True)
    try:
        # It imports all of its plugins: 8 MB that only the dispatcher carries, and only when it is used.
        import apprise  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return Outcome(success=False, reason='apprise is not installed: pip install "apprise>=2.3,<3"')
    sender = apprise.Apprise(asset=apprise.AppriseAsset(storage_mode="memory", secure_logging=True))
    if not sender.add(url):
        return Outcome(success=False, reason="Apprise does not know such an address")
    sent = sender.notify(body=message.text, title=message.subject, body_format=apprise.NotifyFormat.TEXT)
    return Outcome(success=bool(sent), reason="" if sent else "Apprise could not deliver it")
