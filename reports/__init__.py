"""What a person reads: plain data in, HTML, text and figures out. Reports decide nothing."""
