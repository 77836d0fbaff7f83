"""A stored run in the formats of other tools: HdrHistogram's text, CSV by second, Parquet and Arrow."""
