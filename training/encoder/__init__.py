"""The transformer: fine-tuned, quantised, its states cached."""
