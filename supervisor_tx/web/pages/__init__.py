"""The pages for people: for each its data, then its template, then its routes."""
