"""What each optimisation is worth: rows of an ablation to a page, a terminal, Markdown and a figure."""
