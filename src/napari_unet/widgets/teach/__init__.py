"""The Fine-tune tab: what is painted, how it is learnt, and what came of it."""
