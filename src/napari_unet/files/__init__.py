"""Image files in, calibrated label files out."""
