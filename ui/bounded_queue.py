"""A bound on the runs that wait, which leaves room for all that is quick."""

from fastapi import Request
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Queue
from gradio.route_utils import get_fn

from ui.guarded_blocks import GuardedBlocks
from ui.queues import MODEL_QUEUE

MAX_WAITING = 16  # runs; more are turned away
MAX_EVENTS = 200  # of every kind that wait


class BoundedQueue(Queue):
    """Gradio bounds what waits altogether, so that a row of runs would turn away previews and looks at regions too."""

    async def push(self, body: PredictBodyInternal, request: Request, username: str | None) -> tuple:
        """As Gradio's: (whether it waits now, event id or message, state)."""
        if body.fn_index is not None and get_fn(self.blocks, None, body).concurrency_id == MODEL_QUEUE:
            runs = self.event_queue_per_concurrency_id.get(MODEL_QUEUE)
            waiting = 0 if runs is None else len(runs.queue)
            if waiting >= MAX_WAITING:
                return False, f"Queue is full. Max size is {MAX_WAITING} and size is {waiting}.", "queue_full"
        return await super().push(body, request, username)


class BlocksWithBoundedQueue(GuardedBlocks):
    def queue(self, *arguments, **options) -> "BlocksWithBoundedQueue":
        super().queue(*arguments, **options)
        made = self._queue
        self._queue = BoundedQueue(
            live_updates=made.live_updates,
            concurrency_count=made.max_thread_count,
            update_intervals=made.update_intervals,
            max_size=MAX_EVENTS,
            blocks=self,
            default_concurrency_limit=made.default_concurrency_limit,
        )
        return self
