"""Plans: complete descriptions of a build or a run as pure data, made before anything is carried out."""
