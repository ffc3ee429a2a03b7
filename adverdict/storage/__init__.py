"""The ground floor for files: written whole, wherever they lie, and the frame that every page shares."""
