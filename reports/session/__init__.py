"""What a person and a CI system read of a judged session.

`view.build` makes the view from judgement and receipt; `html`, `text`, `comment`, `junit` and `annotations` print it,
and decide nothing. `files.write_all` writes those that are files.
"""
