"""What this package knows of napari's layers."""
