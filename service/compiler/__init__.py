"""The arithmetic of fitted models, without all that scikit-learn does around it.

One row of a small model takes scikit-learn a hundred times longer than the numbers do: it validates, looks at
tags, makes frames, starts joblib. Here, each family of models gives its own arithmetic as a function of an
array. Whether that function is right is not believed but tried, when the model is loaded: see `trial`.
Whatever is not equal to the model, or not known here, is left to scikit-learn.

::

    make      the short path of a model, of those of its parts
      linear, forests, boosting, bayes, networks     from fitted models
      transformers, columns                          from what comes before a model
    models, steps, trees                             what it is made of: data that can be called
    rows      the same for one row, as operations of compiled code
    trial     compares both with the model
    saved     writes a path to a file without the model, and reads that
      parts                                          what such a file may hold
"""
