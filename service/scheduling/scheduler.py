"""Rows of many requests in, full batches out, fairly.

Continuous batching: every lane is a thread that takes its next batch from the backlogs the moment it has finished
the last, so whatever arrives meanwhile is the next batch, and nothing ever waits for a batch to fill. A lane that is
idle leaves a few rows to one that will be done with the same generator in a moment. Requests come from any thread.
They are settled by one thread (service.scheduling.delivery) while the lanes compute, or by the lane if hardly anything
waits. One lock guards the bookkeeping.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import numpy as np

from service import artifact
from service.errors import DeadlineExceeded, Draining, GeneratorNotReady
from service.metrics import Meters, Metrics
from service.scheduling.admission import check_deadline, check_room
from service.scheduling.backlog import Segment
from service.scheduling.delivery import Answers, settle
from service.scheduling.order import Carry, Order
from service.scheduling.queue import Observer, Queue, Request, Runs, hand_out, originals_of, rows_of

# After exclusive use, the device is left to the calls that wait for this multiple of the time that it was held.
REST = 4.0

# To settle one request of a few rows. A lane with less than that to compute settles what it has computed itself:
# another thread would have to wait for the interpreter, and then the lane would.
ANSWER_SECONDS = 1e-4


class Scheduler:
    """Feeds `lanes` lanes with the rows of all generators of one device."""

    def __init__(
        self, lanes: int, limit_seconds: float, metrics: Metrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start the lanes.

        limit_seconds: predicted work that may wait; what would exceed it is refused.
        clock:         seconds, never going back.
        """
        self._lanes = lanes
        self._limit = limit_seconds
        self._clock = clock
        self._queues: list[Queue] = []
        # Entering the lock itself is cheaper than by way of its condition.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        # What is not settled yet. A request that its own future knew would be a cycle, and calls hang on it.
        self._open: dict[Future[Any], Request] = {}
        self._running = 0
        self._held = False
        self._draining = False
        self._last_refusal = -math.inf
        self._closed = False
        self._answers = Answers()
        metrics.watch_queue(self.queued_seconds, self.queued_samples)
        self._threads = [
            threading.Thread(target=self._work, args=(lane,), name=f"lane-{lane}", daemon=True) for lane in range(lanes)
        ]
        for thread in self._threads:
            thread.start()

    # -- generators come and go, from any thread -----------------------------------------------------------

    def add(self, engine: Runs, meters: Meters, observer: Observer | None = None) -> Queue:
        """A queue for one more generator.

        observer: called on the lane after every batch of addresses, when its requests have been answered.
        """
        queue = Queue(engine, meters, observer)
        with self._lock:
            self._queues.append(queue)
        return queue

    def remove(self, queue: Queue) -> None:
        """Finish what the queue holds, then close its engine. Orders that come later are refused."""
        with self._lock:
            queue.removed = True
            self._close_if_done(queue)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lanes between two batches, so that a time measured meanwhile is that of an idle device.

        For one thread at a time, and for moments: calls wait. On leaving, gives them a rest if any did.
        """
        with self._lock:
            busy = self._running > 0 or any(queue.backlog.rows for queue in self._queues)
            self._held = True
            while self._running and not self._closed:
                self._changed.wait()
        start = time.perf_counter()
        try:
            yield
        finally:
            held = time.perf_counter() - start
            with self._lock:
                busy = busy or any(queue.backlog.rows for queue in self._queues)
                self._held = False
                self._changed.notify_all()
        if busy:
            time.sleep(REST * held)

    @property
    def held(self) -> bool:
        """Whether a thread has the device alone, or waits for that."""
        return self._held

    def _close_if_done(self, queue: Queue) -> None:
        if queue.removed and not queue.running and not queue.backlog.rows and queue in self._queues:
            self._queues.remove(queue)
            queue.engine.close()

    # -- requests come and go, from any thread --------------------------------------------------------------

    def queued_seconds(self) -> float:
        """Predicted seconds until the device has done all that waits."""
        return sum(queue.work(queue.backlog.load) for queue in self._queues)

    def queued_samples(self) -> float:
        """Rows that wait."""
        return sum(queue.backlog.rows for queue in self._queues)

    def submit(self, queue: Queue, order: Order, caller: str, seconds_left: float = math.inf) -> Future[np.ndarray]:
        """Have the samples of an order computed.

        caller:       between callers the queue is fair.
        seconds_left: until the caller's deadline.
        returns:      of sample dtype [n, *sample shape], the caller's own. Cancelling it takes the order out of the
                      queue; DeadlineExceeded if the deadline passes there.

        Raises Overloaded, DeadlineExceeded, Draining or GeneratorNotReady.
        """
        return self._submit(queue, order, caller, seconds_left, 1.0, None)

    def submit_scored(
        self, queue: Queue, order: Order, caller: str, seconds_left: float = math.inf
    ) -> Future[tuple[np.ndarray, np.ndarray]]:
        """As `submit`, with scores, float32 [n]; for a generator that has them."""
        scores = np.empty(order.n, np.float32)
        return self._submit(queue, order, caller, seconds_left, queue.engine.scored_cost, scores)

    def submit_transform(
        self, queue: Queue, carry: Carry, caller: str, seconds_left: float = math.inf
    ) -> Future[tuple[np.ndarray, np.ndarray]]:
        """As `submit`, of samples carried into other classes, with the classes that they were of, int64 [n]."""
        recognised = np.empty(carry.n, np.int64)
        return self._submit(queue, carry, caller, seconds_left, queue.engine.transform_cost, recognised)

    def _submit(
        self,
        queue: Queue,
        order: Order | Carry,
        caller: str,
        seconds_left: float,
        cost: float,
        beside: np.ndarray | None,
    ) -> Future[Any]:
        now = self._clock()
        request = Request(
            order,
            order.n,
            order.key,
            caller,
            now + seconds_left,
            queue,
            Future(),
            now,
            cost,
            left=order.n,
            beside=beside,
            carries=order.carries,
        )
        queue.meters.offered_work.inc(request.work)
        with self._lock:
            self._admit(request, seconds_left)
            if not queue.backlog.rows:
                # Time spent idle is no claim to the device later.
                busy = [other.served for other in self._queues if other.backlog.rows]
                queue.served = max(queue.served, min(busy, default=0.0))
            queue.backlog.push(caller, request)
            self._open[request.result] = request
            if queue.due:
                self._changed.notify()
        queue.meters.request_samples.observe(order.n)
        request.result.add_done_callback(self._leave)
        return request.result

    def _leave(self, result: Future[Any]) -> None:
        """A request is settled or cancelled."""
        cancelled = result.cancelled()
        with self._lock:
            request = self._open.pop(result)
            if cancelled:
                request.queue.backlog.remove(request.caller, request)
            if self._draining and not self._open:
                self._changed.notify_all()
        if cancelled:
            request.queue.meters.cancelled.inc()

    def _admit(self, request: Request, seconds_left: float) -> None:
        if self._draining:
            self._last_refusal = self._clock()
            raise Draining("this server is stopping; ask another one")
        queue = request.queue
        if queue.removed:
            # The version was replaced after the request had chosen it.
            raise GeneratorNotReady("this version has just been replaced; ask again")
        waiting = self.queued_seconds()
        check_room(request, waiting, self._limit)
        check_deadline(request, waiting, seconds_left)

    def refuse(self) -> None:
        """Refuse new requests from now on; accepted ones go on."""
        self._draining = True
        self._last_refusal = self._clock()

    def quiet_seconds(self) -> float:
        """Seconds without a refused request, since `refuse`."""
        return self._clock() - self._last_refusal

    def drain(self, seconds: float) -> bool:
        """Refuse, and wait until all that was accepted is settled; False if that took longer than `seconds`."""
        self.refuse()
        with self._lock:
            return self._changed.wait_for(lambda: not self._open, seconds)

    def close(self) -> None:
        """End the lanes, each after its running batch. Drain first: what still waits is never answered."""
        self._draining = True
        with self._lock:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._answers.close()

    # -- on the lanes --------------------------------------------------------------------------------------

    def _work(self, lane: int) -> None:
        while self._next(lane):
            pass

    def _next(self, lane: int) -> bool:
        """Compute the next batch, when there is one; False when the lanes are to end."""
        # A frame of its own: a lane that waits must hold neither answers nor an engine that is closed.
        with self._lock:
            while not (self._closed or (not self._held and any(queue.due for queue in self._queues))):
                self._changed.wait()
            if self._closed:
                return False
            queue = min((q for q in self._queues if q.due), key=lambda q: q.served)
            now = self._clock()
            waiting = queue.backlog.load
            batch, expired = queue.backlog.take(queue.limits, now)
            rows = sum(segment.stop - segment.start for segment in batch)
            queue.served += queue.work(waiting - queue.backlog.load)
            queue.running += 1
            self._running += 1
            for segment in batch:
                self._begin(segment, now)
            # A request wakes one lane; that one wakes the next while there is work left.
            if any(other.due for other in self._queues):
                self._changed.notify()
        if expired:
            queue.meters.expired.inc(len(expired))
            self._answers.give(expired, DeadlineExceeded("the deadline passed while the call was waiting"))
        if batch:
            self._run(queue, batch, rows, lane)
        with self._lock:
            queue.running -= 1
            self._running -= 1
            self._close_if_done(queue)
            if self._held:
                self._changed.notify_all()
        return True

    def _begin(self, segment: Segment[Request], now: float) -> None:
        request = segment.request
        if request.samples is None:
            engine = request.queue.engine
            request.samples = np.empty((request.n, *engine.sample_shape), engine.sample_dtype)
            request.queue.meters.queue_duration.observe(now - request.arrived)

    def _run(self, queue: Queue, batch: list[Segment[Request]], n: int, lane: int) -> None:
        engine, carries = queue.engine, batch[0].request.carries
        addresses: artifact.Rows | None = None
        beside: np.ndarray | None = None
        start = time.perf_counter()
        try:
            if carries:
                samples, beside = engine.run_transform(originals_of(batch), lane)
            else:
                addresses = rows_of(batch, n)
                # One graph computes the batch: scores are computed for all rows if any request wants them.
                if any(segment.request.beside is not None for segment in batch):
                    samples, beside = engine.run_scored(addresses, lane)
                else:
                    samples = engine.run(addresses, lane)
        except Exception as error:
            # All of the batch fail alike; their remaining rows must not cost another one.
            with self._lock:
                for segment in batch:
                    queue.backlog.remove(segment.request.caller, segment.request)
            self._answers.give([segment.request for segment in batch], error)
            return
        seconds = time.perf_counter() - start
        hand_out(batch, samples, beside)
        self._settle(batch)
        self._count(queue, n, seconds, carries)
        if carries:
            engine.learn_transform(n, seconds)
        elif beside is None:
            engine.learn(n, seconds)
        if queue.observer and addresses is not None:
            queue.observer(addresses, samples)

    def _settle(self, batch: list[Segment[Request]]) -> None:
        """Answer the requests that a batch has completed."""
        done = []
        with self._lock:
            for request, first, last in batch:
                request.left -= last - first
                if not request.left:
                    done.append(request)
            loads = [(other.engine, other.backlog.load) for other in self._queues if other.backlog.rows]
            waiting = sum(engine.seconds(math.ceil(load)) for engine, load in loads)
        if done and waiting > ANSWER_SECONDS * len(done):
            self._answers.give(done)
        else:
            settle(done)

    def _count(self, queue: Queue, n: int, seconds: float, carries: bool) -> None:
        meters, engine = queue.meters, queue.engine
        meters.batch_samples.observe(n)
        meters.execute_duration.observe(seconds)
        meters.busy.inc(seconds / self._lanes)
        # Another lane may have given up the size meanwhile.
        n_bound = min(n, queue.limits[carries])
        meters.padding.inc((engine.transform_bucket if carries else engine.bucket)(n_bound) - n_bound)
        meters.samples.inc(n)
