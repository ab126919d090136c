"""What Python is too slow for: the nodes of trees, the digits of numbers, and the steps of a single row.

They are compiled for the processors that images are made for. Where there is no library for this one,
`LIBRARY` is None and everything goes its slower way.
"""
