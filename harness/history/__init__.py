"""The ledger of a project: paired effects between commits, chained over time and tied to a reference.

A stored time is no baseline: another machine, kernel or hour moves it by more than the code does. What can be kept is
the paired effect of one session, the logarithm of candidate over base. Effects of successive commits add up, and so do
their variances; a direct measurement against the reference (an anchor) ties the chain.
"""
