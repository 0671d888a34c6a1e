"""Whether a request may wait: there must be room for its work, and time before its deadline. No threads, no clock."""

from __future__ import annotations

from service.errors import DeadlineExceeded, Overloaded
from service.scheduling.queue import Request


def check_room(request: Request, waiting: float, limit: float) -> None:
    """Raise Overloaded if the work of a request does not fit beside that which waits.

    waiting, limit: predicted seconds of the whole device. Where nothing waits, any request fits.
    """
    own = request.work
    if waiting and waiting + own > limit:
        request.queue.meters.refused_queue_full.inc()
        raise Overloaded(
            f"{waiting:.2f} s of work wait and this call adds {own:.2f} s; at most {limit:g} s may wait",
            retry_after_seconds=min(waiting, waiting + own - limit),
        )


def check_deadline(request: Request, waiting: float, seconds_left: float) -> None:
    """Raise DeadlineExceeded if a request would not be computed in time.

    waiting:      predicted seconds of the whole device, of all queues.
    seconds_left: until the deadline.
    """
    queue, n = request.queue, request.n
    first = queue.engine.seconds(min(n, queue.engine.best_batch)) * request.cost
    # At most everything is ahead, twice; only where that is too much does it matter what is.
    if 2 * max(queue.work(queue.backlog.load + request.load), first) <= seconds_left:
        return
    mine = max(queue.work(queue.backlog.load_before(request.caller, request.load)), first)
    # Another generator gets no more of the device than this one while both have work.
    needed = mine + min(mine, waiting - queue.work(queue.backlog.load))
    if needed > seconds_left:
        queue.meters.refused_deadline.inc()
        raise DeadlineExceeded(
            f"n {n} would be ready in {needed:.3f} s, and the deadline is in {seconds_left:.3f} s; "
            "allow more time or ask for fewer samples"
        )
