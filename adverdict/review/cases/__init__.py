"""What answers settle, and appeals against it."""
