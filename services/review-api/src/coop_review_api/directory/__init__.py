"""Who there is: the accounts of an organisation, to be asked by every slice."""
