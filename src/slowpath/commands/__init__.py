"""Commands that few runs need, each in a module of its own that is imported when it runs."""
