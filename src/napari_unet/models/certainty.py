"""How sure a model is of what it finds: a sign of whether it knows the image.

Networks are less certain of what they never saw (Hendrycks and Gimpel, ICLR 2017).
"""

HALF_PROBABILITY = 128
"""A probability of one half, times 255."""
UNKNOWN_CERTAINTY = 0.7
"""Mean probability of the objects that a model finds in images of a kind that it does not know."""
