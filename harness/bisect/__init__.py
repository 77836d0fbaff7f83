"""Find the commit that changed a metric: noisy bisection, which keeps a probability for each commit.

Every probe compares a commit with the last one, BAD, so that all of them run the same benchmark. A probe measures a few
blocks only: a wrong impression is outweighed by later ones and not believed for good.
"""
