"""What people are told of: an inbox, subscriptions, and mail."""
