"""The napari panels: widgets and wiring only."""
