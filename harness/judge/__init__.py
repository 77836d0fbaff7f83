"""Verdicts: from a receipt and a policy to one answer, with an exit code. Total, and closed on failure.

`blocks` sorts what is evidence from what is damaged or was spoilt by the machine, `evidence` turns blocks into changes,
`controls` says whether the session can be believed, `paired` and `exact` reach the verdicts, `judge` the whole.
`looks` answers the running session from the same functions, `plan` says beforehand how much is measured and what that
finds, `mutants` judge the same data in worse ways, and `document` is the JSON of it all.
"""
