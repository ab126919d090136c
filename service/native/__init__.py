"""The C code of the service, and its Python side.

C does what takes Python and NumPy too long for a single request::

    library       loads the compiled C code for this machine's processor
    row_reader    rows of numbers from the text of a request
    forest        the sums of the leaves that rows reach in trees
    row_program   one row through all operations of a compiled model

`LIBRARY` is None on a machine for whose processor the C code was not compiled. The service then does the same
in Python, and slower.
"""
