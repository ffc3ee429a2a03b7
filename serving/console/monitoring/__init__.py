"""The pages of what is watched: health, alarms, new kinds of ads, launches."""
