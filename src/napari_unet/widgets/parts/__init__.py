"""Qt widgets without knowledge of layers, images or models."""
