"""What people said of ads: taken in, counted, and given out to train on."""
