"""The Batch panel: a folder of images, a row each."""
