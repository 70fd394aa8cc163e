"""What is carried out without a person at each step: clearing, closing, emptying, moving."""
