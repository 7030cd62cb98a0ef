"""The dispatcher: a process that tells destinations of events, off every request's path.

Its main thread alone uses the database; each destination that is being sent to has a thread for the network,
so that a slow one delays no other. It waits for the network in no transaction.
"""

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from itertools import takewhile
from types import FrameType
from typing import Any

from django.db import Error, connection
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from common import metrics
from common.db import errors as db_errors
from common.db import group_commit
from integrations.outbound import delivery_states, sending, ticks
from integrations.outbound.direct_messages import DirectMessages
from integrations.outbound.fan_out import fan_out
from integrations.outbound.load import Load
from integrations.outbound.models import Delivery, Destination

log = logging.getLogger(__name__)

POLL = 0.5  # seconds
MAX_THREADS = 64
GRACE = 8.0  # seconds; `docker stop` kills after 10
KEEP_FINISHED = timedelta(days=30)
PRUNE_EVERY = 3600.0  # seconds
AWAY_PAUSE = 2.0  # seconds
MAX_TRANSACTIONS = 3  # in a row, that make deliveries


class Dispatcher:
    def __init__(self, is_orphaned: Callable[[], bool] = lambda: False) -> None:
        self.is_orphaned = is_orphaned
        self.stopping = threading.Event()
        self.pool = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="destination")
        self.under_way: dict[int, tuple[sending.Batch, Future[Any]]] = {}
        self.direct_messages = DirectMessages()
        self.next_prune = time.monotonic() + 60
        self.next_tick = 0.0

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        self.stopping.set()

    def run(self) -> None:
        """Work until `stop`, or until the parent process is gone."""
        while not self.stopping.is_set() and not self.is_orphaned():
            if group_commit.sync_failed():
                # The recovery has to be alone with the database. What is being sent is sent again by the
                # next dispatcher, when its lease has run out.
                log.error("the disk failed to sync, the dispatcher ends")
                connection.close()
                return
            load = Load()
            try:
                busy = self.step()
            except (Error, OSError) as error:
                if isinstance(error, Error) and not db_errors.is_transient(error):
                    raise
                log.warning("the database is away, deliveries wait: %s", error)
                connection.close()
                self.stopping.wait(AWAY_PAUSE)
                continue
            self.stopping.wait(load.rest() if busy else POLL)
        self.finish()

    def step(self) -> bool:
        """Look once for events, deliveries and results; tell whether there may be more at once."""
        self.collect()
        self.direct_messages.step()
        # Several short transactions instead of a long one: meanwhile no incident can be written.
        made = sum(takewhile(bool, (fan_out() for _transaction in range(MAX_TRANSACTIONS))))
        batches = []
        for destination in self.idle_destinations():
            with self.apart(destination.pk):
                batches.append(sending.prepare(destination))
        self.send([batch for batch in batches if batch])
        self.tick_and_prune()
        if self.under_way:
            wait(self.futures(), timeout=0.05 if made else POLL, return_when="FIRST_COMPLETED")
            return True
        return made > 0

    def send(self, batches: Sequence[sending.Batch]) -> None:
        """Send, once the events and the ids of the messages are on the disk."""
        if batches and connection.vendor == "sqlite":
            group_commit.sync()
        for batch in batches:
            future = self.pool.submit(sending.transmit, batch, self.stopping.is_set)
            self.under_way[batch.destination_id] = batch, future

    def idle_destinations(self) -> list[Destination]:
        now = timezone.now()
        due = Delivery.objects.filter(state=Delivery.State.PENDING, next_at__lte=now)
        waiting = Destination.objects.filter(Exists(due.filter(destination=OuterRef("pk"))), enabled=True)
        idle = waiting.filter(Q(held_until=None) | Q(held_until__lte=now)).exclude(pk__in=self.under_way)
        return list(idle[: MAX_THREADS - len(self.under_way)])

    def collect(self) -> None:
        for destination_id, (batch, future) in list(self.under_way.items()):
            if future.done():
                del self.under_way[destination_id]
                with self.apart(destination_id):
                    results, untried = future.result()
                    delivery_states.store(destination_id, results)
                    if untried:
                        delivery_states.release(untried)
                    if metrics.counts:
                        for result in results:
                            metrics.counts.attempt(batch.transport, success=result.outcome.success)

    @contextlib.contextmanager
    def apart(self, destination_id: int) -> Iterator[None]:
        """Let an error of one destination delay no other; what is due waits as if the receiver failed."""
        try:
            yield
        except Exception as error:
            if isinstance(error, Error) and db_errors.is_transient(error):
                raise
            log.exception("Deliveries to destination %d wait for this error", destination_id)
            delivery_states.fail(destination_id, f"{error.__class__.__name__} in the dispatcher, see the log")

    def futures(self) -> list[Future[Any]]:
        return [future for _batch, future in self.under_way.values()]

    def tick_and_prune(self) -> None:
        now = time.monotonic()
        if now >= self.next_tick:
            self.next_tick = now + ticks.TICK_EVERY
            ticks.tick()
        if now >= self.next_prune:
            old = Delivery.objects.filter(finished_at__lt=timezone.now() - KEEP_FINISHED)
            deleted = delivery_states.delete_batch(old)
            self.next_prune = now + (POLL if deleted == delivery_states.DELETE_BATCH else PRUNE_EVERY)

    def finish(self) -> None:
        """Wait for what is being sent, and leave no lease behind."""
        self.stopping.set()
        wait(self.futures(), timeout=GRACE)
        self.collect()
        for batch, _future in self.under_way.values():
            delivery_states.release([delivery for parcel in batch.parcels for delivery in parcel.deliveries])
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.direct_messages.finish()


def run_until_signalled(is_orphaned: Callable[[], bool] = lambda: False) -> None:
    # It syncs by itself before it sends, once for all, and not while it has the write lock.
    group_commit.enable_group_commit()
    dispatcher = Dispatcher(is_orphaned)
    stop_signals = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}
    for number in stop_signals:
        signal.signal(number, dispatcher.stop)
    # A parent may have blocked them for the fork (server/signals.py).
    signal.pthread_sigmask(signal.SIG_UNBLOCK, stop_signals)
    dispatcher.run()
    # A thread that still waits for a receiver must not hold the process back.
    logging.shutdown()
    os._exit(0)
