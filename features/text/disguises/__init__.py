"""Tricks that hide words from machines and not from readers, each undone."""
