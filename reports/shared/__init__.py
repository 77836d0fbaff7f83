"""What every report is made of: tables and words as data, the page, the terminal and Markdown."""
