"""What runs programs of the project's own. Nothing here is reached unless a flag asks for it."""
