"""SQL, one folder for each database: no lowest common denominator."""
