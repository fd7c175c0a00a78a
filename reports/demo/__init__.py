"""The demo: a real year of orders, and after it two derived months of company lunches."""
