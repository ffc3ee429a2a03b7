"""The words everybody uses: an ad, a label, a risk, a verdict, a decision, an error."""
