"""E-mail by Django's backend. The mails about one incident are one thread, by their References."""

import smtplib
from email.utils import make_msgid

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.validators import validate_email

from integrations.outbound.transports.base import Address, Message, Outcome


def send(address: Address, message: Message) -> Outcome:
    if not settings.EMAIL_URL:
        return Outcome(success=False, reason="the setting EMAIL_URL says no mail server")
    message_id = make_msgid(domain="incidents.invalid")
    headers = {"Message-ID": message_id, "Auto-Submitted": "auto-generated"}
    if message.thread:
        headers |= {"In-Reply-To": message.thread, "References": message.thread}
    mail = EmailMessage(
        " ".join(message.subject.split()),
        message.text,
        settings.EMAIL_FROM,
        recipients(address),
        headers=headers,
    )
    try:
        mail.send()
    except smtplib.SMTPResponseException as error:
        reason = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else ""
        return Outcome(success=False, status=error.smtp_code, reason=reason or str(error.smtp_error))
    except (smtplib.SMTPException, OSError) as error:
        return Outcome(success=False, reason=f"{error.__class__.__name__}: {error}")
    return Outcome(success=True, thread=message.thread or message_id)


def recipients(address: Address) -> list[str]:
    """Return the addresses, which commas divide. Raises Django's `ValidationError`."""
    found = [part.strip() for part in address.address.split(",") if part.strip()]
    for one in found:
        validate_email(one)
    return found
