"""The catastrophes: kills, power cuts, failing calls, damaged files. README.md says what each file shows."""
