"""Train on a folder of densely labelled images: what the command `train` and the Train panel do."""
