"""The pages of a study session: participants at the root, the organiser behind a password."""
