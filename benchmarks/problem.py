"""The error of a part that cannot be measured; the other parts of the run go on."""


class Problem(Exception):
    """A server or a part cannot be measured; the message is the reason, on one line."""
