"""Reports of ablations, the effect of each optimisation: as a page, terminal text, Markdown and a figure."""
