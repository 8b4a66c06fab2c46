"""Policy: findings become one verdict, which is a catalog row with its facts."""
