"""Reports of a judged session for people and CI systems.

`view.build` makes the view from judgement and session record; `html`, `text`, `comment`, `junit` and `annotations`
only print it. `files.write_all` writes those that are files.
"""
