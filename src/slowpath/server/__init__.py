"""Findings in an editor, by the Language Server Protocol over stdin and stdout. pygls comes with the extra `editor`."""
