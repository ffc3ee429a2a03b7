"""What will come: submissions by declared events, weekday and trend; the tasks they become; and how sure that is."""
