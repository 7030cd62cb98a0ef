"""A storm: 1,000 incidents within a minute, told to a chat and to a machine."""

import json
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.utils import timezone

from incidents.models import Event, Source
from incidents.services import NewIncident, Origin, create
from integrations.outbound import destinations
from integrations.outbound.models import Attempt, Delivery, Transport
from integrations.outbound.tests.test_dispatcher import dispatch, due_now
from testing.receiver import Answer, Received, listening

INCIDENTS, PORTION = 1000, 25


@pytest.mark.django_db
def test_a_storm_is_twenty_messages_and_a_digest_for_a_chat_and_every_event_for_a_machine(
    settings: Any,
) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    settings.PUBLIC_URL = "https://incidents.example"
    with listening() as chat, listening() as machine:
        settings.TELEGRAM_API_URL = chat.url

        def sent(_received: Received) -> Answer:
            result = {"ok": True, "result": {"message_id": len(chat.received)}}
            return Answer(200, {}, json.dumps(result).encode())

        chat.answer = sent
        destinations.add(
            name="chat", transport=Transport.TELEGRAM, address="-1", secret="1:token", language="en"
        )
        destinations.add(name="machine", transport=Transport.WEBHOOK, address=machine.url)
        for number in range(INCIDENTS):
            create(NewIncident(f"Scooter {number}", Source.MONITORING), Origin(None, Event.Channel.POST))
            if number % PORTION == PORTION - 1:
                dispatch()
        told = [json.loads(received.body)["data"]["incident"]["id"] for received in machine.received]
        assert len(told) == len(set(told)) == INCIDENTS
        assert len(chat.received) == 20
        # A minute later
        Attempt.objects.update(at=timezone.now() - timedelta(minutes=2))
        due_now()
        dispatch()
        assert len(chat.received) == 21
        assert not Delivery.objects.filter(state="pending").exists()
        text = json.loads(chat.received[-1].body)["text"]
        left = INCIDENTS - 20 * PORTION
        assert text.startswith(f"{left} events of {left} incidents")
        assert text.endswith("https://incidents.example")
