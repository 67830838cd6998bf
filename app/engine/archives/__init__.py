"""Archives: packages that prove themselves, their catalogues and labels, and the proof of all that is kept."""
