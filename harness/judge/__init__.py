"""Judge a receipt under a policy: one verdict and one exit code for every receipt; missing data never passes.

`blocks` separates usable blocks from damaged and disturbed ones, `evidence` turns blocks into changes, `controls` tests
whether the session is reliable, `paired` and `exact` reach the verdicts, `judge` combines them. `looks` answers the
running session from the same functions, `plan` sets the number of blocks beforehand and states the minimum detectable
effect, `mutants` judge the same data by weaker methods, and `document` writes the JSON.
"""
