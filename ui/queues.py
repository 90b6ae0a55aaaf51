"""The queues of the server's work, as keywords for an event of Gradio."""

MODEL_QUEUE = "model"  # one id with limit 1 for everything that generates
MODEL = {"concurrency_id": MODEL_QUEUE, "concurrency_limit": 1}
# Pictures of 40 megapixels may come: few are opened at a time.
PICTURES = {"concurrency_id": "pictures", "concurrency_limit": 2}
