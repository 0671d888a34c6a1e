"""When a run looks at its samples."""

from __future__ import annotations

from training.run.folder import Order

CHECKS = 12  # looks at the samples over a run
FEWEST_STEPS, MOST_STEPS = 50, 1000  # between two looks, of a run counted in steps
CHECK_SECONDS = 60.0  # the same, at most, of a run counted in seconds
CHECK_SHARE = 0.04  # largest share of the time that looks take there


class Times:
    """When to look: of a run counted in steps at fixed steps, so that it can be repeated; else by the clock."""

    def __init__(self, order: Order, share: float, now: float) -> None:
        self._interval = min(MOST_STEPS, max(FEWEST_STEPS, -(-order.steps // CHECKS))) if order.steps else None
        self._next_share, self._last, self._not_before = self._after(share), now, now

    def due(self, steps: int, share: float, now: float) -> bool:
        if share >= 1:
            return True
        if self._interval is not None:
            return steps % self._interval == 0
        return (share >= self._next_share or now - self._last >= CHECK_SECONDS) and now >= self._not_before

    def looked(self, share: float, began: float, ended: float) -> None:
        self._next_share, self._last = self._after(share), ended
        self._not_before = ended + (ended - began) / CHECK_SHARE

    @staticmethod
    def _after(share: float) -> float:
        return (int(share * CHECKS) + 1) / CHECKS
