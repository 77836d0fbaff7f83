"""A target by its SPEC: how it is loaded, called once and stamped, given its events, and refused where it cannot be measured."""
