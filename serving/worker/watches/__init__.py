"""What a worker looks at every few seconds besides ads: what others are to be told, and who tries out what is approved."""
