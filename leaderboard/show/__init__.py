"""Render boards: terminal, text formats, figures and the page."""
