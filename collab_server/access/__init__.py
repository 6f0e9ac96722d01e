"""Who may do what: identities, the role table, and the check that routes and sockets share."""
