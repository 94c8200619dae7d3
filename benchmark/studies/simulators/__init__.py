"""Dynamics of small models in closed form, apart from the training engine, which studies on real data use."""
