"""What whoever decides a job has to see, in one answer."""
