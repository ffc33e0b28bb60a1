"""What is painted is on disk within seconds and can be restored."""
