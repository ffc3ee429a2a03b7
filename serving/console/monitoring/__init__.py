"""The pages of what is watched: health, alarms, launches."""
