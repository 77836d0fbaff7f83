"""The measured processes of a run: what they are told, what they do, and how their parts become one run directory."""
