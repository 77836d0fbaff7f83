"""Reports of a search for the highest rate that keeps an SLO: as a page, terminal text and a figure."""
