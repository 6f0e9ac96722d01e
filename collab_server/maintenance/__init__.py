"""What has to be done now and then: deleting for good what has been in the trash, expired or is not used any more."""
