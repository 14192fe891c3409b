"""Tested code that finds what machines read better than models: numbers, money, areas."""
