"""Dubs measured: lip sync, silence, speed, and the page's tables of them."""
