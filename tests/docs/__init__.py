"""The documentation as a whole: what is made from the code, links, licences, and the tutorials."""
