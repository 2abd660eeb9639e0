"""A dataset in other people's formats: Parquet, ROOT, and what Salt wants."""
