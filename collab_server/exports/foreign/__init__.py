"""What files of other programs need before they can be read: their encodings, styles, numbers and equations. Pure."""
