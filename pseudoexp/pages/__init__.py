"""What the self-contained HTML pages of both packages share: one style for figures, one for text."""
