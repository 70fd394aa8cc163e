"""The edges of the lanes: submissions in, evaluated when their values are there, results out."""
