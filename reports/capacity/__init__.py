"""The highest rate that keeps an SLO: the probes of a search to a page, a terminal and a figure."""
