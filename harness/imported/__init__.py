"""Results of other tools: read into documents, shown and laid side by side, never judged."""
