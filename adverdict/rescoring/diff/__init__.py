"""What a rescoring would change, before anything is changed."""
