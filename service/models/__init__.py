"""The kinds of model behind one protocol: each takes rows of checked values, and gives predictions."""
