"""Still pictures: the coded portrait and pictures that a user gives."""
