"""What people's decisions do beyond the job: the undo window, bulk actions, reversals."""
