"""The transports by the name that a destination has."""

from integrations.outbound.models import Transport
from integrations.outbound.transports import mail, max_messenger, telegram, through_apprise, webhook
from integrations.outbound.transports.base import Send

SENDERS: dict[str, Send] = {
    Transport.WEBHOOK: webhook.send,
    Transport.EMAIL: mail.send,
    Transport.TELEGRAM: telegram.send,
    Transport.MAX: max_messenger.send,
    Transport.APPRISE: through_apprise.send,
}
# Those that need a secret from elsewhere; a webhook's is made here.
TAKES_SECRET = {Transport.TELEGRAM, Transport.MAX, Transport.APPRISE}
