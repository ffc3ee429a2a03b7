"""Everything that faces outside: the HTTP service around the path of an ad, and the console where people work."""
