"""Charts: their content as plain data (`data`, `build`), and their drawing (`plots`)."""
