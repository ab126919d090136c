"""Whether compiled code can be given the values of a model, as far as they can be seen without NumPy.

`service/loading/` looks at all of them when the model is loaded; a test compares the two.
"""
