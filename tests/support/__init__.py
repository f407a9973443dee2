"""Builders and worlds that tests of several rooms share."""
