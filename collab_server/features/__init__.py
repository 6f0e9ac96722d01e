"""The features of the product: one package each, with its routes, models and SQL."""
