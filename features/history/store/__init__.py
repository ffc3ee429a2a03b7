"""The history on the disk: sorted tables that all processes of a machine map, and what came since in memory above them."""
