"""Export a stored run to other tools' formats: HdrHistogram's text, CSV by second, Parquet and Arrow."""
