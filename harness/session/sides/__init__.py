"""From two subjects, as they are named, to the code of both sides: checkouts, environments, overlays, and the suite for both."""
