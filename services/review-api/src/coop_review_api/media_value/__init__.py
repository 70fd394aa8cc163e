"""The pictures, films and sounds in items: where they are, and the references they are asked by."""
