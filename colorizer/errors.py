"""The one error that is meant for the person who uses the tool."""


class UserError(ValueError):
    """Something the user can put right. The message is one short sentence: what is wrong and what to do."""
