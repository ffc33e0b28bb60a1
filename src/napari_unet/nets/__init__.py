"""PyTorch: the networks, tiled prediction, loss, augmentation, devices."""
