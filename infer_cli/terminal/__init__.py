"""What the user sees and types: output, options and completion."""
