"""How a component of ours is drawn."""


class DrawnByGradio:
    """Mixin: the front end draws the component as the class of Gradio's own that it extends."""

    def get_block_name(self) -> str:
        return next(kind for kind in type(self).__mro__ if kind.__module__.startswith("gradio.")).__name__.lower()
