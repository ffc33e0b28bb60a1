"""Segment microscopy images in napari with a U-Net, and teach it by painting."""

__version__ = "0.1.0"
