"""What can be chosen: a file a group of settings, each of which is declared once.

From its declaration come the check of a value, the option of the command line, the widget with its range, and the
names in model files and provenance.
"""
