"""The judgement: what is kept, why, and for how long."""
