"""Charts: what they show as plain data (`data`, `build`), and how they look (`plots`)."""
