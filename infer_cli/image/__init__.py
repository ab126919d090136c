"""Names of images, base images and archives of images."""
