"""The Results panel: a table of objects, and corrections by hand."""
