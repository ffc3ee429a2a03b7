"""Labels in, an evaluated and registered bundle out."""
