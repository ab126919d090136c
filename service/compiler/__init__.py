"""The compiler: turns a fitted estimator into a compiled model, a program of plain operations on arrays.

scikit-learn needs about a hundred times longer for one row of a small model than its arithmetic takes: it
validates the row, reads tags, makes frames and starts joblib. A compiled model does the arithmetic alone.
The compiler does not assume that a program is right. When a model is loaded, its program answers the rows of
a trial, and is used only if it gives the same labels, and the same numbers to twelve digits. An estimator
that the compiler does not support, or that fails the trial, answers through its own library.

::

    program          compiles an estimator, and tries the program
      convert        candidate programs for an estimator, from the programs and operations of its parts
        converters/  one family of estimators each
      trial_rows     the rows of the trial
      parity         differences between the answers of a program and of the model
      row_program    the same program for one row, in C
    outputs, operations, trees, functions     what programs are made of: dataclasses that can be called
    archive          writes a compiled model to a file, and reads it again
      saved          what such a file holds
      codec, fields  how it stands in JSON, and the names that may stand there
"""
