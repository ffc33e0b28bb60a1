"""How a network learns from strokes: lessons, the views drawn from them, the loop, and the marks it is given."""
