"""What keeps one part of a run from being measured; the rest of it goes on."""


class Problem(Exception):
    """The reason is its message, in one line."""
