"""Two other products under the same attacks and the same load: see README.md in this folder."""
