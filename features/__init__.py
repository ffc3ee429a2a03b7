"""An ad and its advertiser's past become numbers: the same code online, in batch and in training."""
