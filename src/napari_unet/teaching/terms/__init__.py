"""The loss of fine-tuning is a sum of terms: one small file each, any of which can be left out."""
