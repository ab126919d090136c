"""Who may ask, and what: decided from plain values, without any framework for HTTP."""
