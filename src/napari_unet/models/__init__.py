"""Model files and the models that come with the package."""
