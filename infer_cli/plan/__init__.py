"""Plans of a build and of a run, as pure data, and what they are made of."""
