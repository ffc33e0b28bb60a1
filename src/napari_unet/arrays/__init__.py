"""NumPy in, NumPy out: what an image, a label and a weight are, without torch and without napari."""
