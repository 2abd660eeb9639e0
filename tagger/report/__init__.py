"""The report on runs: tables, figures, one self-contained HTML page."""
