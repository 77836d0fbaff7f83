"""Parts of every report: tables and words as data, the page, the terminal and Markdown."""
