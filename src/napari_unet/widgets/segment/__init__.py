"""The Segment tab."""
