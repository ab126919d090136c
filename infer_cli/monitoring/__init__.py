"""What services do from one moment to the next: their counts and what they use, asked again and again."""
