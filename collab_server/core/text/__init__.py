"""Plain text: diffs, line ends, and edits of a Y.Text."""
