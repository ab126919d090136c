"""How far the rows that a model is asked lie from what it was trained with, as counts in bins."""
